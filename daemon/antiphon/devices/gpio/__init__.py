"""Floor 3. Lamps and hands on GPIO lines, through gpiozero: on a Pi by lgpio, off board on gpiozero's mock pins.

Lines are named by their BCM number. One that is missing or busy is said by name and tried again, and the rest works.
"""

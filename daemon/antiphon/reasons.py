"""Why a server could not be reached, as sentences: names, cables, firewalls, clocks and certificates.

Each reads "what is wrong: what to do next". It knows no protocol and no service: `where` is the setting that holds the
address, `host` what the owner calls the server there. A fault that may pass is Lost; Refused is the owner's to mend.
"""

import errno
import re
import socket
import ssl

from antiphon.errors import LinkError, Lost, Refused

_NOT_YET_VALID = 9  # X509_V_ERR_CERT_NOT_YET_VALID; the numbers below are OpenSSL's as well

# A hotel's login page answers in the server's place, with a certificate of its own or a page that nobody asked for.
_LOGIN = "if this network wants you to log in first, open a web page in a browser; else check {where}"

_CERTIFICATES = {
    _NOT_YET_VALID: "is not valid yet: this machine's clock is likely behind, so set it (timedatectl)",
    10: "has expired: unless this machine's clock is ahead (timedatectl), the server's owner must renew it",
    62: "belongs to another name: " + _LOGIN,
    64: "belongs to another address: " + _LOGIN,
}

_UNKNOWN_NAME = (
    "The name {host} is not known to this network's DNS: check the router's DNS, and {where} if you have set it"
)
_NAMES = {
    socket.EAI_NONAME: _UNKNOWN_NAME,
    socket.EAI_NODATA: _UNKNOWN_NAME,
    # glibc's word for every way in which no DNS server answers: none is set, none can be reached, none says anything.
    socket.EAI_AGAIN: "No DNS server answers about {host}: check the cable or the Wi-Fi, then the router's DNS",
}
_OTHER_NAME = "The DNS server cannot say who {host} is ({code}): check the router's DNS, and {where}"

_NO_NETWORK = "There is no network to reach {host} by: check the cable or the Wi-Fi"
_NO_WAY = "There is no way to {host}: check that it is switched on, and the cable or the Wi-Fi"
_FORBIDDEN = "This machine's own rules let nothing out to {host}: check its firewall, and the service's IPAddressDeny"
_SILENT = "{host} did not answer in time: it may be off, or behind a firewall; check the network and {where}"
_REFUSED = "Nothing listens at {host}: check that the server is started, and {where}"
_HUNG_UP = "{host} hung up: it will be tried again; if that goes on, check the server, and the firewall on the way"

# A host with several addresses fails at each in its own way; what comes first here got furthest.
_ERRNOS = {
    errno.ECONNREFUSED: _REFUSED,
    errno.ECONNRESET: _HUNG_UP,
    errno.ECONNABORTED: _HUNG_UP,
    errno.EPIPE: _HUNG_UP,
    errno.ETIMEDOUT: _SILENT,
    errno.EHOSTUNREACH: _NO_WAY,
    errno.EHOSTDOWN: _NO_WAY,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.ENETUNREACH: _NO_NETWORK,
    errno.ENETDOWN: _NO_NETWORK,
    errno.EADDRNOTAVAIL: _NO_NETWORK,
}


def explain_os(error: Exception, host: str, where: str) -> LinkError:
    """A failure of name, cable, TLS or patience; `where` is the setting to check, as "realtime.url"."""
    match error:
        case LinkError():
            return error
        case UnicodeError():  # as idna says of a label that is too long
            return Refused(f"{host} cannot be a name: check {where}")
        case ssl.SSLCertVerificationError():
            kind = Lost if error.verify_code == _NOT_YET_VALID else Refused  # after a start the clock is often set late
            what = _CERTIFICATES.get(error.verify_code, "is signed by nobody we trust: " + _LOGIN)
            return kind(f"The certificate of {host} {what.format(where=where)}")
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return Lost(_HUNG_UP.format(host=host))
        case ssl.SSLError():
            return Refused(f"{host} does not speak TLS as it should: check the port in {where}")
        case socket.gaierror():
            return Lost(_NAMES.get(error.errno or 0, _OTHER_NAME).format(host=host, where=where, code=error.errno))
        case TimeoutError():
            return Lost(_SILENT.format(host=host, where=where))
    met = errnos(error)
    for number, sentence in _ERRNOS.items():
        if number in met:
            return Lost(sentence.format(host=host, where=where))
    return Lost(f"The connection to {host} broke ({type(error).__name__}): it will be tried again")


def by_hand(sentence: str) -> str:
    """For whoever has run a command: where a call would be made again, he must do it himself."""
    return sentence.replace("it will be tried again", "try it again")


def web_page(host: str, status: int, where: str) -> Refused:
    """A page with `status` came where none was asked for: a login page of the network, or another server."""
    return Refused(f"{host} answers with a web page ({status}): {_LOGIN.format(where=where)}")


def errnos(error: Exception) -> set[int]:
    """What the system said, as numbers. asyncio's failure at several addresses has none but theirs, in words."""
    if not isinstance(error, OSError):
        return set()
    if error.errno is not None:
        return {error.errno}
    return {int(number) for number in re.findall(r"\[Errno (\d+)\]", str(error))}

"""Real TLS for a program that shows its certificate to anybody."""

from shared.identity import Credentials
from shared.tls import TlsNetwork, _client_context, _pem_file


def careless(credentials: Credentials) -> TlsNetwork:
    network = TlsNetwork()
    network.present(credentials)
    context = _client_context()
    with _pem_file(credentials) as path:
        context.load_cert_chain(path)
    network._client = context
    return network

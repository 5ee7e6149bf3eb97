#include "outcome.hpp"

namespace {

struct Row {
    turbo_status status;
    const char*  name;
};

// docs/errors.md tells people about these classes; what is not here is "other".
const Row classes[] = {
    {TURBO_OK, ""},
    {TURBO_ERROR_RESOLVE, "resolve"},
    {TURBO_ERROR_CONNECT, "connect"},
    {TURBO_ERROR_TIMEOUT, "timeout"},
    {TURBO_ERROR_LIMIT, "limit"},
    {TURBO_ERROR_CANCELLED, "cancelled"},
    {TURBO_ERROR_PROTOCOL, "protocol"},
    {TURBO_ERROR_CLOSED, "closed"},
    {TURBO_ERROR_TLS, "tls"},
    {TURBO_ERROR_PROVIDER, "tls"},
    {TURBO_ERROR_CERTIFICATE, "tls_cert"},
};

} // namespace

const char* error_class(turbo::Status status) {
    for (const Row& row : classes) {
        if (status == row.status) return row.name;
    }
    return "other";
}

const char* cert_reason(std::uint32_t code) {
    switch (code) {
    case TURBO_CERTIFICATE_EXPIRED: return "expired";
    case TURBO_CERTIFICATE_NOT_YET: return "notyet";
    case TURBO_CERTIFICATE_HOST: return "host";
    case TURBO_CERTIFICATE_UNTRUSTED: return "untrusted";
    case TURBO_CERTIFICATE_CONSTRAINT: return "constraint";
    case TURBO_CERTIFICATE_WEAK: return "weak";
    case TURBO_CERTIFICATE_USAGE: return "usage";
    case TURBO_CERTIFICATE_PIN: return "pin";
    default: return "other";
    }
}

/*
 * libssl.so.1.1 for the C# compiler of the .NET Core 3.1 SDK on a system that has OpenSSL 3 only. It links libssl.so.3
 * and adds the three names that are macros there. Made for hashing source files, not for connections.
 */
typedef struct ssl_st    SSL;
typedef struct x509_st   X509;
typedef struct evp_md_st EVP_MD;

X509* SSL_get1_peer_certificate(const SSL* ssl);
int   EVP_MD_get_size(const EVP_MD* md);
void  ERR_new(void);
void  ERR_set_debug(const char* file, int line, const char* function);
void  ERR_set_error(int library, int reason, const char* format, ...);

X509* SSL_get_peer_certificate(const SSL* ssl) { return SSL_get1_peer_certificate(ssl); }

int EVP_MD_size(const EVP_MD* md) { return EVP_MD_get_size(md); }

void ERR_put_error(int library, int function, int reason, const char* file, int line) {
    (void)function;
    ERR_new();
    ERR_set_debug(file, line, "");
    ERR_set_error(library, reason, 0);
}

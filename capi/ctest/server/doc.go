// Command server is the peer of the C tests: a small HTTP/1.1 server on 127.0.0.1 that does on purpose what the wild
// does by accident. It prints "listening 127.0.0.1:PORT" and ends when its standard input does, so that a test that
// dies takes its server along.
//
//	/hello                       "hello, world\n"
//	/bytes?n=&seed=              n bytes; byte i is content(seed, i)
//	/chunked?n=&seed=&size=      the same, in chunks of size
//	/close?n=&seed=&cut=         the same, ended by closing; with TLS and cut=1 without close_notify
//	/drip?n=&ms=                 n bytes, one each ms
//	/echo                        the request body, Content-Length when the request had one, chunked otherwise
//	                             with the request's trailers behind it
//	/hints                       100, 103 and 102, then "hinted\n"
//	/refuse?ms=                  413 without reading the request body, its own body after ms
//	/sum                         length and FNV-1a of the request body as text
//	/headers                     the request head as it was received
//	/status/N                    a status; 204 and 304 have no body
//	/head?n=                     n bytes of response header fields
//	/slow?ms=                    "slow\n" after ms
//	/never                       no answer, ever
//	/halfhead                    half a response head, then nothing
//	/stall                       a head and half a body, then nothing
//	/noread?ms=                  does not read the request body for ms, or ever
//	/drop                        closes without an answer
//	/reset                       resets without an answer
//	/half                        promises 1,000 bytes, sends 500 and closes
//	/garbage                     something that is not HTTP
//	/big?len=                    bytes without end, chunked; with len=1 by a Content-Length of 1 TiB
//	/sent                        how many bytes of /big the system has taken so far, as text
//	/served                      how many requests were read so far, as text
//	/resumed                     1 when the TLS session of this connection was resumed, else 0; then closes
//	/tls/ports                   "good PORT tls12 PORT ...": listeners with TLS, for good, expired, other (another host),
//	                             untrusted, players (client certificates), silent (no handshake, ever)
//	/tls/NAME                    root.pem client.pem client.key pin (of good's key, 32 bytes)
package main

package peertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// secure gives the options and the URL for a server with TLS by a name that no resolver knows.
func (p *peer) secure(port, host, path string) []string {
	n := p.ports[port]
	return []string{"--cacert", p.dir + "/root.pem", "--resolve", fmt.Sprintf("%s:%d:127.0.0.1", host, n),
		fmt.Sprintf("https://%s:%d%s", host, n, path)}
}

func withTLS(t *testing.T) []*peer {
	n := node(t)
	return []*peer{n, nginx(t, n), apache(t)}
}

var versions = map[string]string{"tls12": "TLSv1.2", "tls13": "TLSv1.3"}

func TestTLSOfServersIsUnderstood(t *testing.T) {
	t.Parallel()
	for _, p := range withTLS(t) {
		for port, version := range versions {
			for _, name := range names { // the certificate shows that the name was sent; the server says so, too
				t.Run(p.name+"/"+version+"/"+name, func(t *testing.T) {
					for _, file := range []string{"small.txt", "empty.bin", "large.bin"} {
						all := ask(t, append(p.secure(port, name, "/"+file), "--repeat", "2")...)
						require.Len(t, all, 2)
						for _, r := range all {
							require.True(t, *r.OK, *r.Error)
							assert.Equal(t, 200, *r.Status)
							assert.Equal(t, sum(files[file]), *r.BodySHA256)
							assert.Equal(t, []string{version, "Initial", name}, strings.Fields(r.Header("X-TLS"))[:3])
						}
						assert.Equal(t, 1, connections(all))
					}
				})
			}
		}
	}
}

func TestSessionsAreResumed(t *testing.T) {
	t.Parallel()
	for _, p := range withTLS(t) {
		for port, version := range versions {
			for _, name := range names {
				t.Run(p.name+"/"+version+"/"+name, func(t *testing.T) {
					all := ask(t, append(p.secure(port, name, "/small.txt"), "-H", "Connection: close", "--repeat", "5")...)
					require.Len(t, all, 5)
					for i, r := range all {
						require.True(t, *r.OK, *r.Error)
						want := "Resumed"
						if i == 0 {
							want = "Initial"
						}
						assert.Equal(t, []string{version, want}, strings.Fields(r.Header("X-TLS"))[:2], "request %d", i)
					}
					assert.Equal(t, 5, connections(all))
				})
			}
		}
	}
}

func TestServersThatAreSomebodyElseAreRefused(t *testing.T) {
	t.Parallel()
	for _, p := range withTLS(t) {
		for port := range versions {
			r := ask(t, p.secure(port, "c.example", "/small.txt")...)[0] // it gets the certificate of a.example
			assert.Equal(t, "tls_cert", *r.ErrorClass, "%s: %s", p.name, *r.Error)
			assert.Equal(t, "host", r.CertReason, "%s: %s", p.name, *r.Error)
			r = ask(t, p.secure(port, "a.example", "/small.txt")[2:]...)[0] // without --cacert
			assert.Equal(t, "tls_cert", *r.ErrorClass, "%s: %s", p.name, *r.Error)
			assert.Equal(t, "untrusted", r.CertReason, "%s: %s", p.name, *r.Error)
		}
		port := p.ports["plain"]
		r := ask(t, "--insecure", fmt.Sprintf("https://127.0.0.1:%d/", port))[0]
		assert.Equal(t, "tls", *r.ErrorClass, "%s speaks no TLS there: %s", p.name, *r.Error)
	}
}

func TestServersKnowPlayersByTheirCertificates(t *testing.T) {
	t.Parallel()
	for _, p := range withTLS(t) {
		t.Run(p.name, func(t *testing.T) {
			url := p.secure("clients", "a.example", "/small.txt")
			all := ask(t, append(url, "--cert", p.dir+"/player.pem", "--key", p.dir+"/player.key", "--repeat", "3")...)
			for _, r := range all {
				require.True(t, *r.OK, *r.Error)
				assert.Equal(t, 200, *r.Status)
				assert.Contains(t, r.Header("X-TLS"), "CN=player")
			}
			assert.Equal(t, 1, connections(all))

			// Without one, nginx says it in HTTP; the others end the handshake, which TLS 1.3 tells after its end.
			r := ask(t, url...)[0]
			if p.name == "nginx" {
				require.True(t, *r.OK, *r.Error)
				assert.Equal(t, 400, *r.Status)
			} else {
				assert.Equal(t, "tls", *r.ErrorClass, *r.Error)
			}
			// And one of an authority that the server does not know.
			stranger := yard(t)
			r = ask(t, append(url, "--cert", stranger+"/player.pem", "--key", stranger+"/player.key")...)[0]
			switch p.name {
			case "nginx":
				require.True(t, *r.OK, *r.Error)
				assert.Equal(t, 400, *r.Status)
			case "node": // it lets the handshake end, looks, and hangs up without a word
				assert.Equal(t, "closed", *r.ErrorClass, *r.Error)
			default:
				assert.Equal(t, "tls", *r.ErrorClass, *r.Error)
			}
		})
	}
}

package core_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/tlsprov"
	"turbohttp/tlsprov/tlstest"
	"turbohttp/wire"
)

// overTLS gives a client over real sockets that trusts root. change may be nil.
func overTLS(t *testing.T, root *tlstest.Entity, cfg core.Config, change func(c *tlsprov.Config)) *fixture {
	return newFixtureWith(t, cfg, trusting(t, root, change))
}

// secureServer answers paths with path and body over real sockets; each connection ends by a bare FIN after at most so many
// requests, also in front of one. Without tickets every handshake is a full one.
func secureServer(t *testing.T, root *tlstest.Entity, body string, most int, tickets bool) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	config := &tls.Config{Certificates: []tls.Certificate{tlstest.Leaf(t, root, nil).TLS()}, Time: func() time.Time { return tlstest.Today },
		SessionTicketsDisabled: !tickets}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Add(1)
			go func() {
				defer wg.Done()
				defer c.Close()
				c.SetDeadline(time.Now().Add(2 * patience))
				left := 1 + rand.IntN(most)
				serving(func(path string, _ []byte) string {
					if left--; left == 0 {
						return ""
					}
					return length(path + body)
				})(tls.Server(c, config), nil)
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return "https://" + l.Addr().String() + "/"
}

func TestManyHTTPSRequestsAndCancelsAtOnce(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	body := strings.Repeat("b", 100<<10)
	url := secureServer(t, root, body, 30, true)
	f := overTLS(t, root, core.Config{ConnectionsPerHost: 6}, nil)
	var calls []*call
	for i := range 400 {
		x := f.get(fmt.Sprint(url, i))
		calls = append(calls, x)
		if i%7 == 0 {
			f.Cancel(&x.Exchange, wire.StatusCancelled)
		}
		if i%20 == 19 {
			calls[i-10].done(t)
		}
	}
	good := 0
	for i, x := range calls {
		fault := x.done(t)
		if fault == nil {
			good++
			require.Equal(t, fmt.Sprint("/", i, body), string(x.body))
			continue
		}
		require.Contains(t, []wire.Status{wire.StatusCancelled, wire.StatusClosed}, fault.Status, fault.Text)
	}
	assert.Greater(t, good, 200)
}

// Answers come from other goroutines than what the link tells: yes, no, twice, too late, and never.
func TestManyQuestionsAndAnswersAtOnce(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	url := secureServer(t, root, "", 4, false)
	f := overTLS(t, root, core.Config{ConnectionsPerHost: 4, ConnectTimeout: 100e6}, func(c *tlsprov.Config) { c.Ask = true })
	var answers sync.WaitGroup
	f.sink.onVerify = func(v *core.Verify) {
		if v.Over || rand.IntN(8) == 0 {
			return
		}
		for range 1 + rand.IntN(2) {
			accept, wait := rand.IntN(4) > 0, time.Duration(rand.IntN(4))*50*time.Millisecond
			answers.Add(1)
			go func() {
				defer answers.Done()
				if wait >= 100*time.Millisecond {
					time.Sleep(wait)
				}
				v.Answer(accept)
			}()
		}
	}
	var calls []*call
	for i := range 200 {
		x := f.get(fmt.Sprint(url, i))
		calls = append(calls, x)
		if i%10 == 9 {
			f.Cancel(&calls[i-5].Exchange, wire.StatusCancelled)
			calls[i-9].done(t)
		}
	}
	good, refused := 0, 0
	for i, x := range calls {
		if fault := x.done(t); fault != nil {
			require.Contains(t, []wire.Status{wire.StatusCancelled, wire.StatusClosed, wire.StatusCertificate, wire.StatusTimeout},
				fault.Status, fault.Text)
			if fault.Status == wire.StatusCertificate {
				refused++
			}
			continue
		}
		good++
		require.Equal(t, fmt.Sprint("/", i), string(x.body))
	}
	f.close()
	answers.Wait()
	assert.NotZero(t, good)
	assert.NotZero(t, refused)
}

func TestOpenSSLIsUnderstood(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	leaf := tlstest.Leaf(t, root, nil)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/cert.pem", leaf.ChainPEM(), 0o600))
	require.NoError(t, os.WriteFile(dir+"/key.pem", leaf.KeyPEM(t), 0o600))
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		t.Run(version, func(t *testing.T) {
			run := exec.Command("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", dir+"/cert.pem", "-key", dir+"/key.pem",
				"-www", "-alpn", "http/1.1", version)
			out, err := run.StdoutPipe()
			require.NoError(t, err)
			in, err := run.StdinPipe() // it ends with its input
			require.NoError(t, err)
			require.NoError(t, run.Start())
			t.Cleanup(func() { in.Close(); run.Process.Kill(); run.Wait() })
			lines := bufio.NewReader(out)
			at := regexp.MustCompile(`ACCEPT .*:(\d+)`)
			var port string
			for port == "" {
				line, err := lines.ReadString('\n')
				require.NoError(t, err)
				if m := at.FindStringSubmatch(line); m != nil {
					port = m[1]
				}
			}
			go io.Copy(io.Discard, lines)
			f := overTLS(t, root, core.Config{}, nil)
			for i := range 3 {
				x := f.get("https://localhost:" + port + "/")
				require.Nil(t, x.done(t))
				require.Equal(t, 200, x.status)
				require.Contains(t, string(x.body), "TLSv1."+version[6:])
				require.Contains(t, x.TLS, "http/1.1")
				if i > 0 {
					require.Contains(t, string(x.body), "Reused, ", "the session was resumed")
				}
			}
		})
	}
}

package clitest

import (
	"encoding/hex"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/cli/turbotest"
)

// tlsPorts are the test server's listeners with TLS, by name.
func tlsPorts(t *testing.T) map[string]string {
	t.Helper()
	words := strings.Fields(turbotest.Turbo(t, serverURL+"/tls/ports").Stdout)
	ports := map[string]string{}
	for i := 0; i+1 < len(words); i += 2 {
		ports[words[i]] = words[i+1]
	}
	require.Contains(t, ports, "good")
	return ports
}

// tlsFile fetches one of the files of the test server's authority.
func tlsFile(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	r := turbotest.Turbo(t, "-o", file, serverURL+"/tls/"+name)
	require.Equal(t, 0, r.Exit, r.Stderr)
	return file
}

func TestHTTPSAndWhatIsWrongWithCertificates(t *testing.T) {
	ports, root := tlsPorts(t), tlsFile(t, "root.pem")
	at := func(name string) string { return "https://localhost:" + ports[name] + "/hello" }
	pin, err := os.ReadFile(tlsFile(t, "pin"))
	require.NoError(t, err)
	good, other := hex.EncodeToString(pin), strings.Repeat("0f", 32)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() { // a server that does not speak TLS, and says so
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		_, _ = io.WriteString(c, "220 ready\r\n")
		_, _ = io.Copy(io.Discard, c)
	}()
	for _, c := range []struct {
		class, reason string
		arguments     []string
	}{
		{"", "", []string{"--cacert", root, at("good")}},
		{"", "", []string{"--cacert", root, at("tls12")}},
		{"", "", []string{"--insecure", at("expired")}},
		{"", "", []string{"--insecure", "--tls", "go", at("untrusted")}},
		{"", "", []string{"--cacert", root, "--pin", other, "--pin", good, at("good")}},
		{"", "", []string{"--cacert", root, "--pin", strings.ToUpper(good), at("good")}},
		{"tls_cert", "untrusted", []string{at("good")}},
		{"tls_cert", "expired", []string{"--cacert", root, at("expired")}},
		{"tls_cert", "host", []string{"--cacert", root, at("other")}},
		{"tls_cert", "untrusted", []string{"--cacert", root, at("untrusted")}},
		{"tls_cert", "pin", []string{"--cacert", root, "--pin", other, at("good")}},
		{"tls", "", []string{"--insecure", "https://" + l.Addr().String()}},
	} {
		r := turbotest.One(t, c.arguments...)
		assert.Equal(t, c.class, *r.ErrorClass, "%q: %s", c.arguments, *r.Error)
		assert.Equal(t, c.reason, r.CertReason, "%q: %s", c.arguments, *r.Error)
		if c.class == "" {
			assert.Equal(t, sha("hello, world\n"), *r.BodySHA256)
		}
	}
	person := turbotest.Turbo(t, at("good"))
	assert.Equal(t, 1, person.Exit)
	assert.Regexp(t, `^turbo: .* \[tls_cert: untrusted\]\n$`, person.Stderr)
}

func TestClientCertificates(t *testing.T) {
	ports, root := tlsPorts(t), tlsFile(t, "root.pem")
	certificate, key := tlsFile(t, "client.pem"), tlsFile(t, "client.key")
	url := "https://localhost:" + ports["players"] + "/hello"
	r := turbotest.One(t, "--cacert", root, url)
	assert.Equal(t, "tls", *r.ErrorClass, *r.Error)
	r = turbotest.One(t, "--cacert", root, "--cert", certificate, "--key", key, url)
	assert.True(t, *r.OK, *r.Error)

	both := filepath.Join(t.TempDir(), "both.pem")
	a, _ := os.ReadFile(certificate)
	b, _ := os.ReadFile(key)
	require.NoError(t, os.WriteFile(both, append(a, b...), 0o600))
	r = turbotest.One(t, "--cacert", root, "--cert", both, url)
	assert.True(t, *r.OK, *r.Error)
}

func TestFilesThatAreNoCertificatesAreNonsense(t *testing.T) {
	rubbish := filepath.Join(t.TempDir(), "rubbish")
	require.NoError(t, os.WriteFile(rubbish, []byte("this is no PEM"), 0o600))
	for _, arguments := range [][]string{
		{"--cacert", "/no/such/file"}, {"--cacert", rubbish}, {"--cacert", "/dev/null"}, {"--cacert", "/"},
		{"--cert", "/no/such/file"}, {"--cert", rubbish},
	} {
		file := filepath.Join(t.TempDir(), "kept")
		require.NoError(t, os.WriteFile(file, []byte("kept"), 0o600))
		r := turbotest.Turbo(t, append(arguments, "--json", "-o", file, "https://localhost:1/")...)
		assert.Equal(t, 2, r.Exit, "%q", arguments)
		assert.Empty(t, r.Stdout)
		assert.Regexp(t, `(?s)^turbo: .*\nusage: turbo `, r.Stderr, "%q", arguments)
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, "kept", string(content), "nonsense overwrites nothing")
	}
}

func TestTheStoryTellsTheTLSSessionAndTheProvider(t *testing.T) {
	ports, root := tlsPorts(t), tlsFile(t, "root.pem")
	r := turbotest.Turbo(t, "-v", "--tls", "system", "--cacert", root, "https://localhost:"+ports["good"]+"/hello")
	assert.Equal(t, 0, r.Exit)
	assert.Contains(t, r.Stderr, "* TLS by go: there is no system provider here\n")
	assert.Regexp(t, `\n\* TLS1\.3 TLS_\S+.*\n`, r.Stderr)
	assert.Regexp(t, `, secured [0-9.]+ ms, `, r.Stderr)
}

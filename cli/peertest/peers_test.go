// Package peertest lets the built turbo talk to servers that other people wrote and that the world runs: nginx, Apache
// httpd, Node's http and Python's http.server. What they send is what they send, also while they reload, hang up and refuse.
//
//	TURBO_CLI  the program; default build/out/turbo
package peertest

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"turbohttp/cli/turbotest"
	"turbohttp/tlsprov/tlstest"
)

// peer is a server that runs.
type peer struct {
	name  string
	dir   string         // where it has its files
	ports map[string]int // by what is special there: plain, three (requests a connection), impatient, tls12, tls13, clients
	run   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

func (p *peer) at(port, path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", p.ports[port], path)
}

// ask runs turbo. The deadline is for servers that hang, not for a machine that is slow.
func ask(t *testing.T, arguments ...string) []turbotest.Result {
	t.Helper()
	all, ran := turbotest.Results(t, append([]string{"--timeout-ms", "60000"}, arguments...)...)
	require.Empty(t, ran.Stderr)
	return all
}

// connections counts those that the server saw the requests on.
func connections(all []turbotest.Result) int {
	seen := map[string]bool{}
	for _, r := range all {
		seen[r.Header("X-Connection")] = true
	}
	return len(seen)
}

// names are those that servers with TLS have certificates for, each its own.
var names = []string{"a.example", "b.example"}

// modified is the date of the files, in the form of HTTP.
const modified = "Mon, 05 Jan 2026 10:00:00 GMT"

// files are what every server has to offer.
var files = map[string][]byte{
	"small.txt": []byte("a small file\n"),
	"empty.bin": {},
	"large.bin": random(3 << 20), // many times what any server, proxy or client holds at once
}

func random(n int) []byte {
	var seed [32]byte // the same bytes each time
	source := rand.NewChaCha8(seed)
	b := make([]byte, n)
	_, _ = source.Read(b)
	return b
}

// yard makes the directory of a server: www/ with the files, and certificates of an authority of its own.
func yard(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	// Where root starts them, some servers become somebody else, who must come in here.
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Mkdir(dir+"/www", 0o755))
	date, err := time.Parse(time.RFC1123, modified)
	require.NoError(t, err)
	for name, content := range files {
		write(t, dir+"/www/"+name, content, 0o644)
		require.NoError(t, os.Chtimes(dir+"/www/"+name, date, date))
	}
	root := tlstest.Authority(t, "Root", nil, validNow)
	write(t, dir+"/root.pem", root.PEM(), 0o644)
	for _, name := range names {
		save(t, dir+"/"+name, tlstest.Leaf(t, root, func(c *x509.Certificate) {
			validNow(c)
			c.DNSNames, c.IPAddresses = []string{name}, nil
		}))
	}
	save(t, dir+"/player", tlstest.Leaf(t, root, func(c *x509.Certificate) {
		validNow(c)
		c.Subject.CommonName = "player"
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}))
	return dir
}

// validNow is for a client and servers that know no other time than the machine's.
func validNow(c *x509.Certificate) {
	now := time.Now()
	c.NotBefore, c.NotAfter = now.AddDate(0, 0, -1), now.AddDate(0, 1, 0)
}

func save(t *testing.T, base string, e *tlstest.Entity) {
	t.Helper()
	write(t, base+".pem", e.ChainPEM(), 0o644)
	write(t, base+".key", e.KeyPEM(t), 0o600)
}

func write(t *testing.T, name string, content []byte, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, content, mode))
}

// spawn starts a server, which the end of the test stops. What it complains about is shown when the test fails.
func (p *peer) spawn(t *testing.T, run *exec.Cmd) {
	t.Helper()
	var said bytes.Buffer
	run.Stderr = &said
	require.NoError(t, run.Start(), "make setup")
	p.run, p.ended = run, make(chan struct{})
	ended := p.ended
	go func() {
		_ = run.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		stop(run, ended)
		if t.Failed() && said.Len() > 0 {
			t.Logf("%s said:\n%s", p.name, said.String())
		}
	})
}

// stop ends a server: kindly, so that it takes its workers along, and if that takes too long by force.
func stop(run *exec.Cmd, ended chan struct{}) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
		_ = run.Process.Signal(signal)
		select {
		case <-ended:
			return
		case <-time.After(10 * time.Second):
		}
	}
}

// selfMade starts a server of testdata/, which chooses its ports and ends with its input.
func selfMade(t *testing.T, program, script string) *peer {
	t.Helper()
	p := &peer{name: program, dir: yard(t)}
	run := exec.Command(program, filepath.Join("testdata", script), p.dir)
	in, err := run.StdinPipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = in.Close() })
	out, write := io.Pipe()
	run.Stdout = write
	p.spawn(t, run)
	go func() {
		<-p.ended
		_ = write.Close() // it says nothing more
	}()
	lines := bufio.NewReader(out)
	line, err := lines.ReadBytes('\n')
	require.NoError(t, err, "%s did not start", program)
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	require.NoError(t, json.Unmarshal(line, &p.ports), "%s", line)
	return p
}

func node(t *testing.T) *peer   { return selfMade(t, "node", "node.js") }
func python(t *testing.T) *peer { return selfMade(t, "python3", "server.py") }

// configured starts a server that wants to be told its ports. Between our look for free ones and its bind somebody else may
// take them: then it ends, and others are tried.
func configured(t *testing.T, p *peer, config string, values map[string]any, command func(file string) *exec.Cmd) *peer {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", config))
	require.NoError(t, err)
	shape, err := template.New(config).Option("missingkey=error").Parse(string(text))
	require.NoError(t, err)
	p.dir = yard(t)
	for range 5 {
		p.ports = freePorts(t, "plain", "three", "impatient", "tls12", "tls13", "clients")
		values["Dir"], values["Ports"], values["Root"] = p.dir, p.ports, os.Getuid() == 0
		values["Names"], values["Protocols"] = names, map[string]string{"tls12": "TLSv1.2", "tls13": "TLSv1.3"}
		var content bytes.Buffer
		require.NoError(t, shape.Execute(&content, values))
		write(t, p.dir+"/"+config, content.Bytes(), 0o644)
		p.spawn(t, command(p.dir+"/"+config))
		if p.listens() {
			return p
		}
	}
	log, _ := os.ReadFile(p.dir + "/apache.log")
	require.FailNow(t, p.name+" does not start", "%s", log)
	return nil
}

// listens waits until the server does; false: it has ended instead, or takes for ever.
func (p *peer) listens() bool {
	for range 3000 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.ports["plain"]))
		if err == nil {
			_ = c.Close()
		}
		select {
		case <-p.ended:
			return false // if somebody answered, then it was who took the port
		case <-time.After(10 * time.Millisecond):
		}
		if err == nil {
			return true
		}
	}
	return false
}

func freePorts(t *testing.T, what ...string) map[string]int {
	t.Helper()
	ports := map[string]int{}
	for _, name := range what {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close() // all at the end, so that they differ
		ports[name] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// nginx forwards to a Node what it cannot do itself.
func nginx(t *testing.T, behind *peer) *peer {
	t.Helper()
	p := &peer{name: "nginx"}
	return configured(t, p, "nginx.conf", map[string]any{"Node": behind.ports["plain"]}, func(file string) *exec.Cmd {
		return exec.Command("nginx", "-e", "stderr", "-p", p.dir, "-c", file)
	})
}

func apache(t *testing.T) *peer {
	t.Helper()
	p := &peer{name: "apache"}
	program, err := exec.LookPath("apache2")
	require.NoError(t, err, "make setup")
	values := map[string]any{
		"ModuleDir": filepath.Join(filepath.Dir(program), "../lib/apache2/modules"),
		"Modules":   []string{"mpm_event", "unixd", "authz_core", "alias", "headers", "cgid", "reflector", "ssl"},
	}
	return configured(t, p, "apache.conf", values, func(file string) *exec.Cmd {
		scripts := p.dir + "/cgi/stream"
		require.NoError(t, os.MkdirAll(scripts, 0o755))
		for name := range files { // a script's output has no length: it comes in chunks
			write(t, scripts+"/"+name, fmt.Appendf(nil, "#!/bin/sh\necho 'Content-Type: text/plain'\necho\ncat %s/www/%s\n", p.dir, name), 0o755)
		}
		return exec.Command(program, "-d", p.dir, "-f", file, "-DFOREGROUND")
	})
}

// everybody starts all servers. Python counts twice: as it is by default, it speaks HTTP/1.0.
func everybody(t *testing.T) []*peer {
	t.Helper()
	n := node(t)
	p := python(t)
	old := &peer{name: "python3-1.0", dir: p.dir, ports: map[string]int{"plain": p.ports["old"]}}
	return []*peer{n, nginx(t, n), apache(t), p, old}
}

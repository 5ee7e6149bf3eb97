package peertest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConnectionsAreKeptAsLongAsTheServerWants(t *testing.T) {
	t.Parallel()
	for _, p := range everybody(t) {
		t.Run(p.name, func(t *testing.T) {
			kept := 1
			if p.name == "python3-1.0" {
				kept = 20
			}
			for _, c := range []struct {
				port      string
				options   []string
				want, max int // connections; max 0: exactly
			}{
				{"plain", nil, kept, 0},
				{"plain", []string{"-H", "Connection: close"}, 20, 0},
				{"three", nil, 5, 10}, // servers count differently: the third, or three more after the first
			} {
				if p.ports[c.port] == 0 {
					require.Contains(t, p.name, "python3", "it has no limit")
					continue
				}
				all := ask(t, append(c.options, "--repeat", "20", p.at(c.port, "/small.txt"))...)
				require.Len(t, all, 20)
				for _, r := range all {
					require.True(t, *r.OK, *r.Error)
					require.Equal(t, 200, *r.Status)
					require.Equal(t, sum(files["small.txt"]), *r.BodySHA256)
				}
				if n := connections(all); c.max == 0 {
					assert.Equal(t, c.want, n, "%q", c.options)
				} else {
					assert.True(t, c.want <= n && n <= c.max, "%d connections", n)
				}
			}
		})
	}
}

func TestManyAtOnceAreServed(t *testing.T) {
	t.Parallel()
	for _, p := range everybody(t) {
		all := ask(t, "--parallel", "--repeat", "5", p.at("plain", "/small.txt"), p.at("plain", "/large.bin"), p.at("plain", "/none"))
		require.Len(t, all, 15)
		for i, r := range all {
			require.True(t, *r.OK, "%s: %s", p.name, *r.Error)
			body := [][]byte{files["small.txt"], files["large.bin"], nil}[i%3]
			require.Equal(t, sum(body), *r.BodySHA256, p.name)
		}
	}
}

// The server closes what was idle for 100 ms, Node a second later; the client comes back after that. A GET is never lost. A
// POST is, when the server hangs up in the moment in which it is sent: that can happen only where this machine stands still,
// so one of five tries must be without.
func TestAConnectionThatTheServerTiredOfIsReplaced(t *testing.T) {
	t.Parallel()
	for _, p := range everybody(t) {
		count, delay := 3, "250"
		switch p.name {
		case "python3-1.0":
			continue // it never keeps a connection
		case "node":
			count, delay = 2, "1400"
		}
		for _, post := range []bool{false, true} {
			t.Run(fmt.Sprint(p.name, "/post=", post), func(t *testing.T) {
				t.Parallel()
				arguments := []string{"--repeat", fmt.Sprint(count), "--delay-ms", delay, p.at("impatient", "/small.txt")}
				if post {
					path := map[string]string{"nginx": "/post", "node": "/post", "apache": "/echo", "python3": "/echo"}[p.name]
					arguments = []string{"--repeat", fmt.Sprint(count), "--delay-ms", delay, "-d", "posted", p.at("impatient", path)}
				}
				good := false
				for try := 0; try < 5 && !good; try++ {
					all := ask(t, arguments...)
					require.Len(t, all, count)
					good = connections(all) == count
					for _, r := range all {
						if post && !*r.OK {
							require.Equal(t, "closed", *r.ErrorClass, *r.Error)
							good = false
							continue
						}
						require.True(t, *r.OK, *r.Error)
						require.Equal(t, 200, *r.Status)
					}
				}
				assert.True(t, good, "in no try did the server close each of the connections, and was each POST answered")
			})
		}
	}
}

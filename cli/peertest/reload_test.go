package peertest

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const reloads = 20

// A reload ends every worker: those that are idle hang up, those that are busy finish and hang up, and clients find out when
// they send the next request. No GET may be lost by that, whatever it was that the connection did in that moment.
//
// A POST that was on its way may or may not have been acted on, so the client does not send it again and the host is told
// that the connection was closed. What is promised is that none is acted on twice, and that none that succeeded is missing.
func TestReloadsOfNginx(t *testing.T) {
	t.Parallel()
	p := nginx(t, node(t))
	var over atomic.Bool
	var loading sync.WaitGroup
	// load runs turbo until the reloads are over, at least once.
	load := func(run func(round int)) {
		loading.Add(1)
		go func() {
			defer loading.Done()
			for round := 0; round < 1000 && (round == 0 || !over.Load()) && !t.Failed(); round++ {
				run(round)
			}
		}()
	}

	var gets, felt atomic.Int64
	get := func(name, file string, count int, arguments ...string) {
		load(func(int) {
			all := ask(t, append(arguments, "--repeat", fmt.Sprint(count))...)
			require.Len(t, all, count)
			for i, r := range all {
				require.True(t, *r.OK, "%s, request %d of %d: %s", name, i, count, *r.Error)
				require.Equal(t, 200, *r.Status, name)
				require.Equal(t, sum(files[file]), *r.BodySHA256, name)
			}
			gets.Add(int64(count))
			if !slices.Contains(arguments, "--parallel") {
				felt.Add(int64(connections(all) - 1))
			}
		})
	}
	get("plain", "small.txt", 300, "--delay-ms", "1", p.at("plain", "/small.txt"))
	get("TLS 1.2", "small.txt", 300, append(p.secure("tls12", "a.example", "/small.txt"), "--delay-ms", "1")...)
	get("TLS 1.3", "small.txt", 300, append(p.secure("tls13", "b.example", "/small.txt"), "--delay-ms", "1")...)
	get("large", "large.bin", 10, p.at("plain", "/large.bin"))
	get("chunks", "large.bin", 10, p.at("plain", "/stream/large.bin"))
	get("large by TLS", "large.bin", 10, p.secure("tls13", "a.example", "/large.bin")...)
	get("at once", "small.txt", 40, "--parallel", p.at("plain", "/small.txt"))
	get("at once by TLS", "small.txt", 20, append(p.secure("tls13", "a.example", "/small.txt"), "--parallel")...)

	succeeded := map[string]bool{} // POSTs by id
	load(func(round int) {
		arguments := []string{"-d", "x", "--delay-ms", "1"}
		var ids []string
		for i := range 100 {
			ids = append(ids, fmt.Sprintf("%d-%d", round, i))
			arguments = append(arguments, p.at("plain", "/post?id="+ids[i]))
		}
		all := ask(t, arguments...)
		require.Len(t, all, len(ids))
		for i, r := range all {
			if !*r.OK {
				require.Equal(t, "closed", *r.ErrorClass, *r.Error)
			} else {
				require.Equal(t, sum([]byte("posted")), *r.BodySHA256)
			}
			succeeded[ids[i]] = *r.OK
		}
	})

	seen := map[string]bool{}
	observer := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 60 * time.Second}
	newWorker := func() bool {
		r, err := observer.Get(p.at("plain", "/small.txt"))
		require.NoError(t, err)
		defer r.Body.Close()
		worker := r.Header.Get("X-Worker")
		defer func() { seen[worker] = true }()
		return worker != "" && !seen[worker]
	}
	newWorker()
	func() {
		defer loading.Wait()
		defer over.Store(true)
		for i := 0; i < reloads && !t.Failed(); i++ {
			require.NoError(t, p.run.Process.Signal(syscall.SIGHUP))
			time.Sleep(50 * time.Millisecond) // the next one shall hit what is in full swing again
			come := false
			for try := 0; try < 1000 && !come; try++ {
				come = newWorker()
			}
			require.True(t, come, "reload %d brought no new worker", i)
		}
	}()
	require.NoError(t, p.run.Process.Signal(syscall.SIGQUIT)) // it ends when all is answered and in the log
	select {
	case <-p.ended:
	case <-time.After(60 * time.Second):
		require.FailNow(t, "nginx does not end")
	}
	assert.Positive(t, felt.Load(), "kept connections that a reload ended")

	log, err := os.ReadFile(p.dir + "/posts.log")
	require.NoError(t, err)
	acted := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(string(log)), "\n") {
		id, _, _ := strings.Cut(line, " ")
		acted[id]++
	}
	good := 0
	for id, ok := range succeeded {
		assert.LessOrEqual(t, acted[id], 1, "POST %s", id)
		if ok {
			good++
			assert.Equal(t, 1, acted[id], "POST %s", id)
		}
	}
	assert.Greater(t, good, len(succeeded)/2, "POSTs that succeeded")
	t.Logf("%d reloads ended %d connections: %d GETs, all well; %d of %d POSTs", reloads, felt.Load(), gets.Load(), good, len(succeeded))
}

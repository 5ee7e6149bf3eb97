package core_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/tlsprov"
	"turbohttp/tlsprov/tlstest"
	"turbohttp/wire"
)

// The time of day may jump: a console asks a time server after its battery was flat, a player sets the clock to cheat. The
// clock that core counts with does not, and the time of day is asked for certificates alone. That nobody else reads it is
// seen to by build/layers_test.go.
func TestAStepOfTheTimeOfDayChangesNothingButTheJudgementOfCertificates(t *testing.T) {
	for _, c := range []struct {
		name   string
		step   time.Duration
		reason wire.Reason // of a handshake behind the step
	}{
		{"an hour ahead", time.Hour, 0},
		{"an hour back", -time.Hour, 0},
		{"ten days ahead, when tickets are too old", 240 * time.Hour, 0},
		{"ten days back, before the ticket was given", -240 * time.Hour, 0},
		{"ten years ahead", 87600 * time.Hour, wire.CertificateExpired},
		{"to 1970", time.Unix(0, 0).Sub(tlstest.Today), wire.CertificateNotYet},
	} {
		t.Run(c.name, func(t *testing.T) {
			wall := tlstest.Today
			s := newSecured(t, core.Config{IdleTimeout: 60e9, ConnectTimeout: 10e9, ConnectionsPerHost: 2}, func(cfg *tlsprov.Config) {
				cfg.Now = func() time.Time { return wall }
			})
			x := s.submit("GET", safe+"before")
			l := s.live()
			p := s.shaken(t, l, paths)
			x.ok(t, 200, "/before")

			// Behind the step: a connection that is there serves on, and a request on it has the time that it was given.
			late := newCall("GET", safe+"late")
			late.Timeout = 5e9
			s.clock.Advance(time.Second)
			s.Submit(&late.Exchange)
			wall = wall.Add(c.step)
			s.clock.Advance(5*time.Second - 1)
			require.Zero(t, late.dones)
			l.carry(p)
			late.ok(t, 200, "/late")
			assert.True(t, late.Reused)
			late = newCall("GET", safe+"late")
			late.Timeout = 5e9
			s.Submit(&late.Exchange)
			s.clock.Advance(5*time.Second - 1)
			require.Zero(t, late.dones)
			s.clock.Advance(1)
			s.settle()
			assert.Equal(t, wire.PhaseWait, late.failed(t, wire.StatusTimeout).Code)

			// A handshake behind it has the time of connecting, and its certificate is judged by the time of day; a ticket from
			// before it does no harm.
			x = s.submit("GET", safe+"slow")
			l = s.live()
			l.connect()
			s.clock.Advance(10*time.Second - 1)
			require.False(t, l.closing)
			s.clock.Advance(1)
			require.True(t, l.closing)
			s.settle()
			assert.Equal(t, wire.PhaseTLS, x.failed(t, wire.StatusTimeout).Code)
			x = s.submit("GET", safe+"after")
			l = s.live()
			s.shaken(t, l, paths)
			if c.reason != 0 {
				s.settle()
				assert.Equal(t, c.reason, x.failed(t, wire.StatusCertificate).Code)
				return
			}
			x.ok(t, 200, "/after")

			// It was used this moment, and stays for as long as any other.
			wall = wall.Add(-2 * c.step)
			s.clock.Advance(60*time.Second - 1)
			require.False(t, l.closing)
			s.clock.Advance(1)
			require.True(t, l.closing)
		})
	}
}

package examples

import (
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/tlsprov"
	"turbohttp/tlsprov/tlstest"
)

// Whoever ships a wrong pin finds out when the game is with the players.
func TestTheCommandsForPinsPrintPins(t *testing.T) {
	page, err := os.ReadFile("../docs/tls.md")
	require.NoError(t, err)
	e := tlstest.Leaf(t, nil, nil)
	pin := tlsprov.Pin(e.Certificate)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/cert.pem", e.PEM(), 0o600))
	require.NoError(t, os.WriteFile(dir+"/backup.key", e.KeyPEM(t), 0o600))
	ran := 0
	for _, line := range strings.Split(string(page), "\n") {
		if !strings.HasPrefix(line, "openssl ") || strings.HasPrefix(line, "openssl s_client") {
			continue
		}
		run := exec.Command("sh", "-c", line)
		run.Dir = dir
		out, err := run.Output()
		require.NoError(t, err, line)
		require.Contains(t, string(out), hex.EncodeToString(pin[:]), line)
		ran++
	}
	require.Equal(t, 2, ran)
}

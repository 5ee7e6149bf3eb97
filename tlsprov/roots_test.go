package tlsprov_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/tlsprov"
	"turbohttp/wire"
)

// The roots are read once in a process, so each case is a process of its own: this test runs itself.
func TestSystemRootsAreFoundOrTheirLackIsExplained(t *testing.T) {
	if os.Getenv("TLSPROV_ROOTS") != "" {
		roots, fault := tlsprov.SystemRoots()
		if os.Getenv("TLSPROV_ROOTS") == "some" {
			require.Nil(t, fault)
			again, _ := tlsprov.SystemRoots()
			require.Same(t, roots, again)
			return
		}
		require.NotNil(t, fault)
		require.Equal(t, wire.StatusCertificate, fault.Status)
		require.EqualValues(t, wire.CertificateUntrusted, fault.Code)
		for _, say := range []string{"no root certificates", "ca-certificates", "roots_pem"} {
			require.Contains(t, fault.Text, say)
		}
		return
	}
	file := t.TempDir() + "/roots.pem"
	require.NoError(t, os.WriteFile(file, rootPEM(t), 0o644))
	for want, at := range map[string]string{"some": file, "none": t.TempDir() + "/nothing"} {
		run := exec.Command(os.Args[0], "-test.run=TestSystemRootsAreFound", "-test.count=1")
		run.Env = append(os.Environ(), "TLSPROV_ROOTS="+want, "SSL_CERT_FILE="+at, "SSL_CERT_DIR="+t.TempDir())
		out, err := run.CombinedOutput()
		require.NoError(t, err, "%s: %s", want, out)
	}
}

package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const header = `
enum {
    TURBO_OK = 0,
    TURBO_ERROR_INVALID = -1, /* a {0}, or
                                 nothing */
    TURBO_ERROR_ABI     = -7
};
enum { TURBO_PHASE_QUEUE = 1, /* waiting, for a connection */
    TURBO_PHASE_RESOLVE, TURBO_PHASE_SEND = 5 };
typedef struct turbo_other { int a, b; } turbo_other;
enum { /* the whole */ TURBO_FACT_SENT = 1, TURBO_FACT_LATE = 0x10 };
enum { TURBO_CERTIFICATE_NOT_YET = 2 };
`

const texts = `
    case TURBO_OK: return "it worked";
    case TURBO_ERROR_INVALID: return "a \"bad\" thing";
    case TURBO_ERROR_ABI: return "other";
`

func TestEnumeratorsCountOnAndKeepTheirComments(t *testing.T) {
	got, err := enumerators(header)
	require.NoError(t, err)
	assert.Equal(t, []constant{
		{"TURBO_OK", 0, ""},
		{"TURBO_ERROR_INVALID", -1, "a {0}, or nothing"},
		{"TURBO_ERROR_ABI", -7, ""},
		{"TURBO_PHASE_QUEUE", 1, "waiting, for a connection"},
		{"TURBO_PHASE_RESOLVE", 2, ""},
		{"TURBO_PHASE_SEND", 5, ""},
		{"TURBO_FACT_SENT", 1, ""},
		{"TURBO_FACT_LATE", 16, ""},
		{"TURBO_CERTIFICATE_NOT_YET", 2, ""},
	}, got)
}

func TestGeneratedSourceNamesAndTexts(t *testing.T) {
	source, err := generate(header, texts)
	require.NoError(t, err)
	for _, want := range []string{
		"StatusInvalid Status = -1 // a {0}, or nothing\n", "StatusABI ", "FactLate Facts = 16",
		`return "a \"bad\" thing"`, "PhaseResolve Phase = 2",
		"CertificateNotYet Reason = 2",
	} {
		assert.Contains(t, string(source), want)
	}
}

func TestMissingTextIsAnError(t *testing.T) {
	_, err := generate(header, `case TURBO_OK: return "it worked";`)
	require.ErrorContains(t, err, "TURBO_ERROR_INVALID")
}

func TestSomethingElseIsAnError(t *testing.T) {
	_, err := generate("int main(void);", texts)
	require.Error(t, err)
	_, err = generate("enum { TURBO_OK = sizeof(int) };", texts)
	require.Error(t, err)
}

func TestCommittedFileIsWhatTheHeaderGives(t *testing.T) {
	h, err := os.ReadFile("../../include/turbohttp.h")
	require.NoError(t, err)
	c, err := os.ReadFile("../../capi/library.c")
	require.NoError(t, err)
	committed, err := os.ReadFile("../../wire/status.gen.go")
	require.NoError(t, err)
	source, err := generate(string(h), string(c))
	require.NoError(t, err)
	assert.Equal(t, string(source), string(committed), "run make gen")
}

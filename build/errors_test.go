package build

// docs/errors.md against the header and the client: every status, every reason, every class, and nothing else.

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// groups are the different first groups of a pattern's matches, sorted.
func groups(pattern, text string) []string {
	var all []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestThePageAboutErrorsIsComplete(t *testing.T) {
	header := readHeader(t, "../include/turbohttp.h")
	page, err := os.ReadFile("../docs/errors.md")
	require.NoError(t, err)
	client, err := os.ReadFile("../cli/outcome.cpp")
	require.NoError(t, err)

	for _, prefix := range []string{"TURBO_ERROR", "TURBO_CERTIFICATE"} {
		declared := groups(`(?m)^ +(`+prefix+`_\w+)`, header)
		require.NotEmpty(t, declared)
		// In the first column of a table, once.
		assert.Equal(t, declared, groups("(?m)^\\| `("+prefix+"_\\w+)` \\|", string(page)))
		for _, name := range declared {
			assert.Len(t, regexp.MustCompile("(?m)^\\| `"+name+"` \\|").FindAllString(string(page), -1), 1, name)
		}
		assert.Equal(t, declared, groups(`(`+prefix+`_\w+)`, string(page)), "the page names what the header does not have")
	}

	// Each status with the class that the client gives it.
	classes := map[string]string{}
	for _, row := range regexp.MustCompile(`\{(TURBO_\w+), "(\w*)"\}`).FindAllStringSubmatch(string(client), -1) {
		classes[row[1]] = row[2]
	}
	require.NotEmpty(t, classes)
	rows := regexp.MustCompile("(?m)^\\| `(TURBO_(?:OK|ERROR_\\w+))` \\| `?(\\w*)`? ?\\|").FindAllStringSubmatch(string(page), -1)
	told := map[string]bool{}
	for _, row := range rows {
		class, listed := classes[row[1]]
		if !listed {
			class = "other"
		}
		assert.Equal(t, class, row[2], row[1])
		told[row[2]] = true
	}
	for status, class := range classes {
		assert.True(t, told[class], "the class of %s is missing", status)
	}

	// And each reason with its code.
	reasons := map[string]string{}
	for _, row := range regexp.MustCompile(`case (TURBO_CERTIFICATE_\w+): return "(\w+)"`).FindAllStringSubmatch(string(client), -1) {
		reasons[row[1]] = row[2]
	}
	require.NotEmpty(t, reasons)
	for _, row := range regexp.MustCompile("(?m)^\\| `(TURBO_CERTIFICATE_\\w+)` \\| `(\\w+)` \\|").FindAllStringSubmatch(string(page), -1) {
		reason, listed := reasons[row[1]]
		if !listed {
			reason = "other"
		}
		assert.Equal(t, reason, row[2], row[1])
	}

	// All classes that there will ever be: of the table, or named as not in use yet.
	reserved := regexp.MustCompile(`(?m)^Reserved .*$`).FindString(string(page))
	all := groups("`(\\w+)`", reserved)
	for class := range told {
		if class != "" {
			assert.NotContains(t, all, class, "reserved, and in use")
			all = append(all, class)
		}
	}
	slices.Sort(all)
	assert.Equal(t, []string{"auth", "cancelled", "closed", "connect", "decode", "limit", "other", "protocol", "proxy", "redirect",
		"refused", "resolve", "timeout", "tls", "tls_cert", "ws"}, all)
}

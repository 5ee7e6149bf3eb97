package wire

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTokensAreThoseOfRFC9110(t *testing.T) {
	const others = "!#$%&'*+-.^_`|~"
	for c := range 256 {
		want := c < 0x80 && (strings.ContainsRune(others, rune(c)) || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z')
		require.Equal(t, want, IsTokenOctet(byte(c)), "%q", rune(c))
		require.Equal(t, want, IsToken([]byte{'a', byte(c), 'b'}))
	}
	require.False(t, IsToken(nil))
	require.Equal(t, 2, TokenSize([]byte("ab:c")))
}

func TestFieldValuesHaveNoControlOctetAtAnyPlace(t *testing.T) {
	for size := range 20 {
		for at := range size {
			for c := range 256 {
				b := []byte(strings.Repeat("\t\xffx", 10)[:size])
				b[at] = byte(c)
				want := -1
				if c < ' ' && c != '\t' || c == 0x7F {
					want = at
				}
				require.Equal(t, want, BadValueOctet(b))
			}
		}
	}
}

func TestControlsAreFlaggedAtTheirPlace(t *testing.T) {
	for c := range uint64(256) {
		flags := ControlsIn(c<<24 | 0xFF20414243000000>>0&^(0xFF<<24) | 0x202020)
		require.Equal(t, c < ' ', flags&(0xFF<<24) != 0, "%d", c)
	}
}

func TestLengthsAreDigitsAndNothingElse(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "007": 7, "9223372036854775807": math.MaxInt64, "00000000000000000000000000000001": 1,
		"": -1, "-1": -1, "+1": -1, " 1": -1, "1 ": -1, "1_0": -1, "0x1": -1, "9223372036854775808": -1, "99999999999999999999": -1, "²": -1} {
		n, ok := ParseLength([]byte(text))
		require.Equal(t, want >= 0, ok, text)
		if ok {
			require.Equal(t, want, n)
		}
	}
}

func TestListsAreWalkedMemberByMember(t *testing.T) {
	require.True(t, HasMember([]byte("a, CLOSE\t,b"), "close"))
	require.True(t, HasMember([]byte("close"), "close"))
	require.False(t, HasMember([]byte("closed, clos"), "close"))
	require.False(t, HasMember(nil, "close"))
	require.Equal(t, "a b", string(TrimSpace([]byte(" \ta b\t "))))
	require.Empty(t, TrimSpace([]byte(" \t")))
}

func TestSomeResponsesHaveNoBodyByRule(t *testing.T) {
	require.True(t, HasNoBody([]byte("HEAD"), 200))
	require.True(t, HasNoBody([]byte("GET"), 103))
	require.True(t, HasNoBody([]byte("GET"), 204))
	require.True(t, HasNoBody([]byte("GET"), 304))
	require.False(t, HasNoBody([]byte("GET"), 205))
	require.False(t, HasNoBody([]byte("head"), 200))
}

package gotls

import (
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTicketsAreBoundedAndDropWhatWasNotUsedForLongest(t *testing.T) {
	var list tickets
	now := time.Unix(1e9, 0)
	for i := range 3 * mostTickets {
		list.put(fmt.Sprint("host", i), &tls.ClientSessionState{}, now)
		require.NotNil(t, list.get("host0", now), "used all the time")
	}
	require.Len(t, list.byKey, mostTickets)
	require.NotNil(t, list.get(fmt.Sprint("host", 3*mostTickets-1), now))
	require.Nil(t, list.get("host1", now))
}

func TestATicketEndsWithItsChain(t *testing.T) {
	var list tickets
	now := time.Unix(1e9, 0)
	list.put("a", &tls.ClientSessionState{}, now)
	require.NotNil(t, list.get("a", now))
	require.Nil(t, list.get("a", now.Add(1)))
	require.Empty(t, list.byKey)
	list.put("a", &tls.ClientSessionState{}, now)
	list.drop("a")
	require.Nil(t, list.get("a", now))
}

func TestATicketThatIsTooLargeIsNotKept(t *testing.T) {
	for _, c := range []struct {
		ticket, chain int
		kept          bool
	}{{200, 4 << 10, true}, {mostTicketBytes, 1, false}, {200, mostTicketBytes, false}} {
		state, err := tls.NewResumptionState(make([]byte, c.ticket), &tls.SessionState{})
		require.NoError(t, err)
		s := &session{context: &context{}, key: "a", chainBytes: c.chain}
		(*cache)(s).Put("", state)
		require.Equal(t, c.kept, len(s.context.tickets.byKey) == 1)
	}
}

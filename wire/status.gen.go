// Code generated from include/turbohttp.h. DO NOT EDIT.

package wire

// Status is a turbo_status.
type Status int32

// The statuses.
const (
	StatusOK          Status = 0
	StatusInvalid     Status = -1
	StatusStale       Status = -2
	StatusState       Status = -3
	StatusAgain       Status = -4
	StatusLimit       Status = -5
	StatusUnsupported Status = -6
	StatusABI         Status = -7
	StatusCancelled   Status = -8
	StatusTimeout     Status = -9
	StatusInternal    Status = -10
	StatusResolve     Status = -100
	StatusConnect     Status = -101
	StatusClosed      Status = -102
	StatusIO          Status = -103
	StatusProtocol    Status = -300
)

// Phase is a TURBO_PHASE_*.
type Phase = uint32

// The phases.
const (
	PhaseQueue   uint32 = 1
	PhaseResolve uint32 = 2
	PhaseConnect uint32 = 3
	PhaseSend    uint32 = 5
	PhaseWait    uint32 = 6
	PhaseBody    uint32 = 7
)

// Facts are TURBO_FACT_* bits.
type Facts uint16

// The facts.
const (
	FactSent   Facts = 1
	FactReused Facts = 2
	FactUnseen Facts = 4
)

// String is the name.
func (s Status) String() string {
	switch s {
	case 0:
		return "OK"
	case -1:
		return "INVALID"
	case -2:
		return "STALE"
	case -3:
		return "STATE"
	case -4:
		return "AGAIN"
	case -5:
		return "LIMIT"
	case -6:
		return "UNSUPPORTED"
	case -7:
		return "ABI"
	case -8:
		return "CANCELLED"
	case -9:
		return "TIMEOUT"
	case -10:
		return "INTERNAL"
	case -100:
		return "RESOLVE"
	case -101:
		return "CONNECT"
	case -102:
		return "CLOSED"
	case -103:
		return "IO"
	case -300:
		return "PROTOCOL"
	}
	return "UNKNOWN"
}

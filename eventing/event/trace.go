package event

// Names of the attributes of the extension Distributed Tracing, which say what the
// headers of the same names do (W3C Trace Context).
const (
	AttrTraceParent = "traceparent"
	AttrTraceState  = "tracestate"
)

// maxTraceState is the longest list that Trace Context asks to pass on, in bytes.
const maxTraceState = 512

// ValidTraceParent reports whether a value is a traceparent of version 00, which
// every later version begins with.
func ValidTraceParent(value string) bool {
	const zeros = "00000000000000000000000000000000"
	if len(value) != len("00-")+32+1+16+len("-00") || value[:3] != "00-" || value[35] != '-' || value[52] != '-' {
		return false
	}
	for i, c := range []byte(value) {
		if i != 2 && i != 35 && i != 52 && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return value[3:35] != zeros && value[36:52] != zeros[:16]
}

// Trace returns what an event says of the trace that it belongs to, as values of
// headers; "" is nothing, or nothing that a header can say.
func (e *Event) Trace() (parent, state string) {
	if parent, _ = e.Get(AttrTraceParent); !ValidTraceParent(parent) {
		return "", ""
	}
	state, _ = e.Get(AttrTraceState)
	if !validTraceState(state) {
		state = ""
	}
	return parent, state
}

// JoinTrace gives an event that says nothing of a trace the one of the request
// that it came with, as the extension allows whoever passes it on. An event that
// has attributes of its own keeps them, whatever they are.
func (e *Event) JoinTrace(parent, state string) {
	if !ValidTraceParent(parent) {
		return
	}
	if _, has := e.Get(AttrTraceParent); has {
		return
	}
	e.Set(AttrTraceParent, parent)
	if _, has := e.Get(AttrTraceState); !has && state != "" && validTraceState(state) {
		e.Set(AttrTraceState, state)
	}
}

func validTraceState(value string) bool {
	for _, c := range []byte(value) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(value) <= maxTraceState
}

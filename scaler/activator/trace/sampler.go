package trace

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	oteltrace "go.opentelemetry.io/otel/trace"
)

// sampler decides which requests are recorded. It is the SDK's samplers
// without their cost, so that it can be asked for each request: the same trace
// ids are in as with any other SDK.
type sampler struct {
	follow bool   // the decision of the caller holds, if there is one
	below  uint64 // of 2^63: the share of traces
}

// newSampler reads OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG. Without
// them it is the specification's default, parentbased_always_on.
func newSampler(name, arg string) (sampler, error) {
	if name == "" {
		name = "parentbased_always_on"
	}
	base, follow := strings.CutPrefix(name, "parentbased_")
	s := sampler{follow: follow}
	switch base {
	case "always_on":
		s.below = 1 << 63
	case "always_off":
	case "traceidratio":
		share := 1.0
		if arg != "" {
			var err error
			if share, err = strconv.ParseFloat(arg, 64); err != nil || !(share >= 0 && share <= 1) {
				return s, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not %q", arg)
			}
		}
		s.below = uint64(share * (1 << 63))
	default:
		return s, fmt.Errorf("OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio, or one of them with parentbased_ before it, not %q", name)
	}
	return s, nil
}

// never tells whether no request can be recorded.
func (s sampler) never() bool { return s.below == 0 && !s.follow }

// records decides. from is the caller's span, if it has told one.
func (s sampler) records(id oteltrace.TraceID, from parent, told bool) bool {
	if told && s.follow {
		return from.sampled
	}
	return binary.BigEndian.Uint64(id[8:])>>1 < s.below
}

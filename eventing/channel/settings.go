package channel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Name of a channel: that of its object.
type Name = types.NamespacedName

// Settings of a channel, as its object has them.
type Settings struct {
	// Keep is how long events are kept.
	Keep time.Duration
	// Size is how many bytes are kept at most, with what the log itself needs:
	// some 80 bytes an event.
	Size int64
	// MaxEvent is the largest event, data and attributes together, in bytes.
	MaxEvent int64
	// Dedupe is for how long an event is known again; 0 is not at all.
	Dedupe time.Duration
}

func (s *Settings) equal(t Settings) bool { return *s == t }

// Settings that JetStream has no field for, in the metadata of the stream, so
// that a channel whose object was deleted goes on as it was.
const (
	metaMaxEvent = "headway.max-event"
	metaDedupe   = "headway.dedupe"
)

// config of the stream that is the channel.
func (s Settings) config(name Name, replicas int) jetstream.StreamConfig {
	stream := streamName(name)
	return jetstream.StreamConfig{
		Name:      stream,
		Subjects:  []string{subject(stream)},
		Storage:   jetstream.FileStorage,
		Retention: jetstream.LimitsPolicy,
		Discard:   jetstream.DiscardNew,
		MaxAge:    s.Keep,
		MaxBytes:  s.Size,
		MaxMsgs:   -1,
		Replicas:  replicas,
		// Events are known again by the table of the Store: an id in JetStream's
		// window would have a whole batch refused.
		Duplicates:         100 * time.Millisecond,
		AllowDirect:        true, // reading in batches
		AllowAtomicPublish: true, // writing in batches
		Metadata: map[string]string{
			metaMaxEvent: strconv.FormatInt(s.MaxEvent, 10),
			metaDedupe:   s.Dedupe.String(),
		},
	}
}

// isChannel reports whether a stream was made by config. On a server that others
// use as well, a name alone says nothing.
func isChannel(cfg jetstream.StreamConfig) bool { return cfg.Metadata[metaMaxEvent] != "" }

// settingsOf reads back what config wrote.
func settingsOf(cfg jetstream.StreamConfig) Settings {
	s := Settings{Keep: cfg.MaxAge, Size: cfg.MaxBytes}
	s.MaxEvent, _ = strconv.ParseInt(cfg.Metadata[metaMaxEvent], 10, 64)
	s.Dedupe, _ = time.ParseDuration(cfg.Metadata[metaDedupe])
	return s
}

// InvalidName is a name that no channel can have.
type InvalidName struct {
	Name   Name
	Reason string
}

func (e *InvalidName) Error() string {
	return fmt.Sprintf("%q is no name for a channel: %s", e.Name, e.Reason)
}

// checkName keeps out what the name of a stream or of its folder cannot hold.
func checkName(name Name) error {
	for _, part := range []string{name.Namespace, name.Name} {
		if reasons := validation.IsDNS1123Label(part); len(reasons) > 0 {
			return &InvalidName{Name: name, Reason: reasons[0]}
		}
	}
	return nil
}

// streamName is what the server calls the stream of a channel. The underscore
// can be in neither part.
func streamName(name Name) string { return name.Namespace + "_" + name.Name }

func parseStreamName(stream string) (Name, bool) {
	namespace, name, ok := strings.Cut(stream, "_")
	n := Name{Namespace: namespace, Name: name}
	return n, ok && checkName(n) == nil
}

// subject to which the events of a stream are published.
func subject(stream string) string { return "events." + stream }

func sortNames(names []Name) {
	slices.SortFunc(names, func(a, b Name) int { return strings.Compare(streamName(a), streamName(b)) })
}

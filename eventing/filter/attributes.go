package filter

import (
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/headway-dev/headway/eventing/event"
)

// attributes shows an event to the SDK, without a copy of it. It has the methods
// that expressions call; the others of the interface are nil.
type attributes struct {
	cloudevents.EventContext
	event *event.Event
	// wanted are the names that the expression uses.
	wanted     []string
	extensions map[string]any
}

func (a *attributes) GetSpecVersion() string     { return event.SpecVersion }
func (a *attributes) GetID() string              { return a.event.ID }
func (a *attributes) GetSource() string          { return a.event.Source }
func (a *attributes) GetType() string            { return a.event.Type }
func (a *attributes) GetSubject() string         { return a.event.Subject }
func (a *attributes) GetDataSchema() string      { return a.event.DataSchema }
func (a *attributes) GetDataContentType() string { return a.event.DataContentType }

// GetTime is the zero time if there is none.
func (a *attributes) GetTime() time.Time {
	t, _ := time.Parse(time.RFC3339, strings.ToUpper(a.event.Time))
	return t
}

// GetExtensions returns the wanted ones. They are strings, as in binary mode:
// CloudEvents SQL casts them where it needs numbers.
func (a *attributes) GetExtensions() map[string]any {
	if a.extensions == nil {
		a.extensions = make(map[string]any, len(a.wanted))
		for i := range a.event.Extensions {
			for _, name := range a.wanted {
				if name == a.event.Extensions[i].Name {
					a.extensions[name] = a.event.Extensions[i].Value
				}
			}
		}
	}
	return a.extensions
}

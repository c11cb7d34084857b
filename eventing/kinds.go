package eventing

import (
	"time"

	"github.com/headway-dev/headway/eventing/source"
	"github.com/headway-dev/headway/eventing/source/cron"
)

// kinds say how the sources of each kind are run. One that is a container sends by
// itself.
func (e *Eventing) kinds() map[string]source.Run {
	return map[string]source.Run{
		source.Cron: cron.Run(time.Now),
	}
}

package activator

import (
	"errors"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/park"
)

// poolHooks connect all pools with the autoscaler, the parked pods and the
// metrics.
func (p *process) poolHooks(waiting func()) backend.Hooks {
	hooks := backend.Hooks{Waiting: waiting, Started: p.starts.Observe}
	if p.waker != nil {
		hooks.Waker, hooks.Woke = p.waker, p.woke
	}
	return hooks
}

// woke tells of a wake call. That the application runs already is no news:
// another activator or the autoscaler was faster.
func (p *process) woke(pod *backend.Pod, err error) {
	switch {
	case err == nil:
		p.starts.Woke("woken")
	case errors.Is(err, park.ErrRefused):
		p.starts.Woke("refused")
	case errors.Is(err, park.ErrDenied):
		p.starts.Woke("denied")
		p.Logger.Warn("parked pod denied the wake call", "pod", pod.Name, "error", err)
	default:
		p.starts.Woke("unreachable")
		p.Logger.Warn("parked pod not reached", "pod", pod.Name, "error", err)
	}
}

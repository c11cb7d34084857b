package activator

import (
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
	outcome := park.OutcomeOf(err)
	p.starts.Woke(string(outcome))
	if !outcome.Runs() {
		p.Logger.Warn("cannot wake a parked pod", "pod", pod.Name, "error", err)
	}
}

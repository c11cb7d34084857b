package explain

import (
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// RequestName is how people call a pull request, #12, or the branch in the place
// of one.
func RequestName(number int64, ref string) string {
	if number > 0 {
		return fmt.Sprintf("#%d", number)
	}
	return v1alpha1.ShortRef(ref)
}

// requestSeverity of the states in which a request waits for something or
// somebody; those of which nothing comes matter to nobody.
var requestSeverity = map[v1alpha1.RequestState]Severity{
	v1alpha1.RequestPreviewed: Good,
	v1alpha1.RequestApproval:  Underway,
	v1alpha1.RequestWaiting:   Underway,
	v1alpha1.RequestQueued:    Underway,
	v1alpha1.RequestInvalid:   Failed,
}

// requestState is what has become of a request.
func requestState(r *v1alpha1.RequestStatus) State {
	severity, known := requestSeverity[r.State]
	if !known {
		severity = Obsolete
	}
	return State{severity, string(r.State)}
}

// requestFinding is what keeps a request from its preview, where somebody can do
// something about it, or time does.
func requestFinding(repository *v1alpha1.Repository, r *v1alpha1.RequestStatus) (Finding, bool) {
	f := Finding{Severity: requestState(r).Severity, Kind: "request", Namespace: repository.Namespace,
		Name: RequestName(r.Number, r.Ref), Reason: string(r.State), Text: r.Message}
	switch r.State {
	case v1alpha1.RequestApproval, v1alpha1.RequestWaiting, v1alpha1.RequestExpired, v1alpha1.RequestInvalid:
		return f, true
	}
	return f, false
}

// request finds what a preview belongs to; nil where it is closed, or not known
// yet.
func request(repository *v1alpha1.Repository, app *v1alpha1.App) *v1alpha1.RequestStatus {
	if repository == nil || app.Spec.Preview == nil {
		return nil
	}
	for i := range repository.Status.Requests {
		r := &repository.Status.Requests[i]
		if r.Number == app.Spec.Preview.Request && (r.Number > 0 || r.Ref == app.Spec.ProductionRef) {
			return r
		}
	}
	return nil
}

// in is the time until something: "in 70h".
func in(t, now time.Time) string { return "in " + Age(now, t) }

package app

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// readiness compares the revision that is live with the one that should be:
// the pinned one, else the newest.
//
//	Route refused for its host              False    HostConflict
//	nothing should be live yet              Unknown  Waiting
//	the wanted one has failed on trial      False    RolledBack
//	... or is on trial                      as of the live one; Promoting says more
//	the wanted one is live and ready        True     Live, Pinned
//	... but has failed before it settled    Unknown  Settling
//	the wanted one is live, its pods fail   as the revision says
//	the wanted one cannot become ready      False    NewestFailed, NoReadyRevision
//	the wanted one is on its way            Unknown  Waiting
func readiness(seen Seen, status v1alpha1.AppStatus, failing string) condition.State {
	if conflict := hostConflict(seen.Route); conflict != "" {
		return condition.False(v1alpha1.ReasonHostConflict, conflict)
	}
	live := status.Live
	wanted, what, reason := seen.newest(), "newest", v1alpha1.ReasonLive
	if pin := seen.App.Spec.Pin; pin != "" {
		wanted, what, reason = pin, "pinned", v1alpha1.ReasonPinned
	}
	rev := seen.revision(wanted)
	if rev == nil {
		return condition.Unknown(v1alpha1.ReasonWaiting, waitingFor(live, wanted, what))
	}
	state := condition.Get(rev.Status.Conditions, v1alpha1.ConditionReady)
	if role := status.Revision(wanted); role != nil && role.Role == v1alpha1.RoleQuarantined {
		return condition.False(v1alpha1.ReasonRolledBack, rolledBack(live, what, role))
	}
	if t := status.Trial(wanted); t != nil && live != "" && seen.revision(live) != nil {
		return onTrial(seen, live, t)
	}
	same := ""
	if rev.Status.SameAs != "" && rev.Status.SameAs == live {
		same = fmt.Sprintf(" by revision %s, which runs the same image with the same settings", live)
		wanted = live
	}
	switch {
	case live == wanted && failing != "" && state.Status != metav1.ConditionFalse:
		return condition.Unknown(v1alpha1.ReasonSettling, fmt.Sprintf("revision %s has failed since it took the traffic, and there is none to give it back to: %s", wanted, failing))
	case live == wanted && state.Status == metav1.ConditionTrue:
		return condition.True(reason, fmt.Sprintf("commit %s serves%s", v1alpha1.Short(rev.Spec.Commit), same)+stillKept(seen, status))
	case live == wanted && state.Status == metav1.ConditionFalse:
		return condition.False(v1alpha1.ReasonNoReadyRevision, fmt.Sprintf("revision %s is live, but its pods fail: %s", wanted, state.Message))
	case live == wanted:
		return condition.Unknown(v1alpha1.ReasonWaiting, fmt.Sprintf("revision %s is live, but not all of its pods are ready: %s", wanted, state.Message))
	case state.Status == metav1.ConditionFalse && live == "":
		return condition.False(v1alpha1.ReasonNoReadyRevision, fmt.Sprintf("nothing serves, the %s revision %s failed: %s", what, wanted, state.Message))
	case state.Status == metav1.ConditionFalse:
		return condition.False(v1alpha1.ReasonNewestFailed, fmt.Sprintf("revision %s keeps serving, the %s revision %s failed: %s", live, what, wanted, state.Message))
	case live == "":
		return condition.Unknown(v1alpha1.ReasonWaiting, fmt.Sprintf("the %s revision %s is on its way: %s", what, wanted, state.Message))
	default:
		return condition.Unknown(v1alpha1.ReasonWaiting, fmt.Sprintf("revision %s serves, the %s revision %s is on its way: %s", live, what, wanted, state.Message))
	}
}

// onTrial is the readiness of what serves while the wanted revision is on trial.
func onTrial(seen Seen, live string, t *v1alpha1.Trial) condition.State {
	rev := seen.revision(live)
	state := condition.Get(rev.Status.Conditions, v1alpha1.ConditionReady)
	switch state.Status {
	case metav1.ConditionTrue:
		return condition.True(v1alpha1.ReasonLive, fmt.Sprintf("commit %s serves, while revision %s is on trial", v1alpha1.Short(rev.Spec.Commit), t.Revision))
	case metav1.ConditionFalse:
		return condition.False(v1alpha1.ReasonNoReadyRevision, fmt.Sprintf("revision %s is live, but its pods fail: %s", live, state.Message))
	}
	return condition.Unknown(v1alpha1.ReasonWaiting, fmt.Sprintf("revision %s is live, but not all of its pods are ready: %s", live, state.Message))
}

// rolledBack says that the wanted revision has had its chance.
func rolledBack(live, what string, role *v1alpha1.RevisionRole) string {
	return fmt.Sprintf("revision %s serves, as the %s revision %s failed; push a commit that mends it, or try it once more by: headway retry %s\n%s",
		live, what, role.Name, role.Name, role.Message)
}

// stillKept names the revision that could take the traffic back.
func stillKept(seen Seen, status v1alpha1.AppStatus) string {
	for _, role := range status.Revisions {
		if rev := seen.revision(role.Name); rev != nil && role.Warm {
			return fmt.Sprintf("; %s is kept until it has settled", v1alpha1.Short(rev.Spec.Commit))
		}
	}
	return ""
}

func waitingFor(live, wanted, what string) string {
	switch {
	case wanted == "" && live != "":
		return fmt.Sprintf("revision %s serves, and nothing is released that could follow it", live)
	case wanted == "":
		return "waiting for the first revision"
	}
	return fmt.Sprintf("waiting for the %s revision %s to be made", what, wanted)
}

func hostConflict(route *v1alpha1.Route) string {
	if route == nil {
		return ""
	}
	if state := condition.Get(route.Status.Conditions, v1alpha1.ConditionReady); state.Reason == v1alpha1.ReasonHostConflict {
		return state.Message
	}
	return ""
}

// hostsLost reports whether other Routes have the app's hosts, and not only
// that of one of its revisions: then the Route carries nothing.
func hostsLost(route *v1alpha1.Route) bool {
	return hostConflict(route) != "" && route.Status.Summary == ""
}

package app

import (
	"cmp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/check"
	"github.com/headway-dev/headway/reconciler/preview"
	"github.com/headway-dev/headway/reconciler/promotion"
	"github.com/headway-dev/headway/reconciler/route"
	"github.com/headway-dev/headway/reconciler/trial"
)

// Seen is what was observed of an App: the input of PlanFor.
type Seen struct {
	// App itself.
	App *v1alpha1.App
	// Revisions of the App that are not being deleted.
	Revisions []v1alpha1.Revision
	// Route of the App; nil when there is none.
	Route *v1alpha1.Route
	// Granted is AnnotationHosts of the App's namespace; read only for an App
	// that asks for hosts.
	Granted string
	// Claimed are the hosts of the App's branches that other Routes have, too.
	Claimed map[string]bool
	// SetupPod is that of a preview's setup; nil where there is none.
	SetupPod *corev1.Pod
	// Answers of the revisions that have a role.
	Answers map[string]promotion.Answers
	// Readings of those that are on trial.
	Readings map[string]promotion.Reading
}

// Plan is what a reconciliation does.
type Plan struct {
	// Route to apply, if its spec differs from the one observed.
	Route v1alpha1.RouteSpec
	// Status to write, if it differs from the one observed.
	Status v1alpha1.AppStatus
	// Setup of a preview.
	Setup preview.Setup
	// Delete names the Revisions that nothing has wanted for a while.
	Delete []string
	// RequeueAfter is when time alone will change the plan; 0 is never.
	RequeueAfter time.Duration
	// Settling is true until the live revision has served for its time.
	Settling bool
	// Runs are the trials to judge from now on, and Subjects the same for the
	// gates that ask somebody.
	Runs     []trial.Run
	Subjects []check.Subject
	// Events to tell when the status is written.
	Events []promotion.Event
}

// PlanFor decides what an App's Route is, what its revisions are there for, and
// which of them go. It is pure.
func PlanFor(seen Seen, public address.Public, now time.Time) Plan {
	decision := promotion.Plan(seen.promotion(now))
	own, _ := seen.splitHosts(public)
	branches := seen.branches(public)
	roles, again := seen.roles(decision, branches, now)
	p := Plan{Route: v1alpha1.RouteSpec{
		App:           seen.App.Name,
		Hosts:         append([]string{public.Host(seen.App.Namespace, seen.App.HostName())}, own...),
		Traffic:       decision.Traffic,
		Matches:       decision.Matches,
		Mirror:        decision.Mirror,
		Sticky:        seen.App.Spec.Sticky,
		RevisionHosts: seen.revisionHosts(roles, branches, public),
	}}
	p.Delete, p.RequeueAfter = collect(roles, now)
	p.RequeueAfter = apply.Sooner(apply.Sooner(p.RequeueAfter, again), decision.Next)
	p.Settling, p.Runs, p.Subjects, p.Events = decision.Settling, seen.runs(decision), seen.subjects(decision), decision.Events
	p.Setup = preview.SetupFor(seen.App, seen.Revisions, seen.SetupPod)
	p.Status = statusFor(seen, p.Route, roles[:min(maxRoles, len(roles))], decision, public, now)
	if state := p.Setup.Prepared; state != nil {
		condition.Set(&p.Status.Conditions, v1alpha1.ConditionPrepared, *state, seen.App.Generation, now)
	}
	p.Status.Branches = branchStatus(branches, public)
	return p
}

// setupAgain is how soon to try again to make a pod that the API server refuses:
// a person may change a quota or a policy.
const setupAgain = time.Minute

// refuseSetup says that the pod of a setup cannot be made.
func (p *Plan) refuseSetup(seen Seen, err error, now time.Time) {
	refused := condition.Unknown(v1alpha1.ReasonSettingUp, "the setup cannot begin, Kubernetes refuses its pod: "+err.Error())
	condition.Set(&p.Status.Conditions, v1alpha1.ConditionPrepared, refused, seen.App.Generation, now)
	p.RequeueAfter = apply.Sooner(p.RequeueAfter, setupAgain)
}

func isReady(rev *v1alpha1.Revision) bool {
	return condition.Get(rev.Status.Conditions, v1alpha1.ConditionReady).Status == metav1.ConditionTrue
}

func (s Seen) serving() []v1alpha1.TrafficTarget {
	if s.Route == nil {
		return nil
	}
	return s.Route.Spec.Traffic
}

func (s Seen) revision(name string) *v1alpha1.Revision {
	for i := range s.Revisions {
		if s.Revisions[i].Name == name {
			return &s.Revisions[i]
		}
	}
	return nil
}

// newest is the revision of the production ref's head.
func (s Seen) newest() string {
	for _, head := range s.App.Spec.Heads {
		if head.Ref == s.App.Spec.ProductionRef {
			return head.Revision
		}
	}
	return ""
}

// revisionHosts gives each revision that is wanted and has an image its own host,
// and each branch that of its ref. One that runs what is live leads to the pods
// of that. One that is only built has none, and a preview none beside its own:
// they could be guessed. They are sorted, so that equal plans are equal bytes.
func (s Seen) revisionHosts(roles []v1alpha1.RevisionRole, branches []branch, public address.Public) []v1alpha1.RevisionHost {
	var hosts []v1alpha1.RevisionHost
	if s.App.Spec.Preview != nil {
		return nil
	}
	add := func(host, revision string) {
		if rev := s.revision(revision); rev != nil {
			revision = cmp.Or(rev.Status.SameAs, revision)
		}
		hosts = append(hosts, v1alpha1.RevisionHost{Host: host, Revision: revision})
	}
	for _, r := range roles {
		if rev := s.revision(r.Name); r.Role != v1alpha1.RoleReplaced && r.Role != v1alpha1.RoleBuilt && rev.Status.Image != "" {
			add(public.Host(rev.Namespace, rev.Name), rev.Name)
		}
	}
	for _, b := range branches {
		add(b.host, b.revision)
	}
	slices.SortFunc(hosts, func(a, b v1alpha1.RevisionHost) int { return strings.Compare(a.Host, b.Host) })
	return hosts
}

// statusFor says what is live. Where all hosts belong to another Route, nothing
// is, although the Route stays as it is for the day when they come free.
func statusFor(seen Seen, spec v1alpha1.RouteSpec, roles []v1alpha1.RevisionRole, decision promotion.Decision, public address.Public, now time.Time) v1alpha1.AppStatus {
	s := *seen.App.Status.DeepCopy()
	s.ObservedGeneration = seen.App.Generation
	s.URL = public.URL(spec.Hosts[0])
	s.Hosts = spec.Hosts[1:]
	s.Revisions, s.Trials, s.Commit = roles, decision.Trials, decision.Commit
	s.Deployments = seen.deployments(promotion.Live(spec.Traffic), &s, now)
	traffic := spec.Traffic
	if hostsLost(seen.Route) {
		traffic = nil
	}
	s.TrafficSummary = route.Summary(traffic, seen.commit)
	if live := promotion.Live(traffic); live != s.Live || live == "" {
		s.Live, s.LiveSince, s.LiveCommit = live, nil, ""
		if live != "" {
			s.LiveSince = &metav1.MicroTime{Time: now}
		}
	}
	if rev := seen.revision(s.Live); rev != nil {
		s.LiveCommit = v1alpha1.Short(rev.Spec.Commit)
	}
	set := func(kind string, state condition.State) {
		condition.Set(&s.Conditions, kind, state, seen.App.Generation, now)
	}
	valid := condition.True(v1alpha1.ReasonValid, "")
	if problem := seen.App.Spec.Problem; problem != nil {
		valid = condition.False(problem.Reason, problem.Message)
	}
	set(v1alpha1.ConditionSpecValid, valid)
	if promoting, known := seen.promoting(&s, now); known {
		set(v1alpha1.ConditionPromoting, promoting)
	}
	set(v1alpha1.ConditionReady, seen.withRefused(readiness(seen, s, decision.Failing), public))
	return s
}

// commit of a revision, in short; that of one that is gone is not known.
func (s Seen) commit(revision string) string {
	if rev := s.revision(revision); rev != nil {
		return v1alpha1.Short(rev.Spec.Commit)
	}
	return revision
}

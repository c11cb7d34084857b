package explain

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// App is what is live of an App, and what happens to it.
type App struct {
	// State is that of the revision that should be live.
	State State
	// Pods of all revisions.
	Pods Pods
	// Notes are what Headway did last to the revisions that have traffic.
	Notes []Note
	// Trials of the candidate and of the shares.
	Trials []Trial
	// Revisions of the App, in the order in which they were given.
	Revisions []Revision
}

// Headline is what is live of an App in a few words.
func Headline(app *v1alpha1.App) string {
	word := appState(app).Word
	if app.Status.TrafficSummary == "" {
		return word + ", nothing serves"
	}
	return word + ", " + app.Status.TrafficSummary
}

func appState(app *v1alpha1.App) State {
	return stateOf(meta.FindStatusCondition(app.Status.Conditions, v1alpha1.ConditionReady))
}

// Revision is how a revision is.
type Revision struct {
	*v1alpha1.Revision
	// State is that of its build until that is done, then of its pods.
	State State
	// Weight is its share of the traffic in basis points.
	Weight int32
	Pods   Pods
}

// Pods are those that run the application and, apart, those that are parked.
type Pods struct{ Running, Parked int32 }

// String is such as "2", or "2 + 1 parked".
func (p Pods) String() string {
	if p.Parked == 0 {
		return fmt.Sprint(p.Running)
	}
	return fmt.Sprintf("%d + %d parked", p.Running, p.Parked)
}

// Note is one thing that Headway did to a revision, or how it is equipped.
type Note struct {
	// Topic is Scaled, Standby, Restarted or Image.
	Topic string
	// Revision it is about; empty: the live one.
	Revision string
	// At is when; zero: it is so now.
	At time.Time
	// Text says what, and why.
	Text string
}

// Line is the note as text, without its topic.
func (n Note) Line(now time.Time) string {
	line := n.Text
	if !n.At.IsZero() {
		line = Age(n.At, now) + " ago: " + line
	}
	if n.Revision != "" {
		line = n.Revision + ": " + line
	}
	return line
}

// ForApp explains an App; of the revisions it takes those that belong to it.
func ForApp(app *v1alpha1.App, revisions []v1alpha1.Revision) App {
	a := App{State: appState(app)}
	for i := range app.Status.Trials {
		a.Trials = append(a.Trials, ForTrial(app, &app.Status.Trials[i]))
	}
	for i := range revisions {
		r := &revisions[i]
		if !ofApp(r, app) {
			continue
		}
		e := Revision{Revision: r, State: stateOf(current(r)), Pods: Pods{Running: r.Status.Replicas}}
		if role := app.Status.Revision(r.Name); role != nil {
			e.Weight = role.Weight
		}
		if r.Status.Standby != nil {
			e.Pods.Parked = r.Status.Standby.Parked
		}
		a.Pods.Running += e.Pods.Running
		a.Pods.Parked += e.Pods.Parked
		a.Revisions = append(a.Revisions, e)
		if e.Weight > 0 {
			a.Notes = append(a.Notes, notes(r, app.Status.Live)...)
		}
	}
	order := []string{"Scaled", "Standby", "Restarted", "Image"}
	slices.SortStableFunc(a.Notes, func(x, y Note) int { return slices.Index(order, x.Topic) - slices.Index(order, y.Topic) })
	return a
}

// notes are those about one revision.
func notes(r *v1alpha1.Revision, live string) []Note {
	name := r.Name
	if name == live {
		name = ""
	}
	var all []Note
	if s := r.Status.Scaling; s != nil {
		all = append(all, Note{"Scaled", name, s.At.Time, fmt.Sprintf("from %d to %d, %s", s.From, s.To, s.Reason)})
	}
	if s := r.Status.Standby; s != nil {
		text := fmt.Sprintf("%d of %d parked", s.Parked, s.Asked)
		if s.Problem != "" {
			text += ": " + s.Problem
		}
		all = append(all, Note{"Standby", name, time.Time{}, text})
	}
	if with := r.Status.StartedWith; with.Since != nil {
		all = append(all, Note{"Restarted", name, with.Since.Time, with.Cause})
	}
	if text := Image(r); text != "" {
		all = append(all, Note{"Image", name, time.Time{}, text})
	}
	return all
}

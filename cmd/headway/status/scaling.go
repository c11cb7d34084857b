package status

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
)

// writeScaling is a line for each revision in traffic: the last change of its
// number of pods, and why.
func (v view) writeScaling(head *cli.Grid, app *v1alpha1.App, revisions []v1alpha1.Revision) {
	for _, r := range revisions {
		said := r.Annotations[v1alpha1.AnnotationScaling]
		if r.Status.Weight == 0 || said == "" {
			continue
		}
		line := v.scaling(said)
		if r.Name != app.Status.Live {
			line = r.Name + ": " + line
		}
		head.Row(cli.Plain("Scaled"), cli.Plain(line))
	}
}

// writeStandby is a line for each revision in traffic that asks for parked
// pods: how many there are, and, where some are missing, what is known of it.
func (v view) writeStandby(head *cli.Grid, app *v1alpha1.App, revisions []v1alpha1.Revision) {
	for _, r := range revisions {
		asked, there := r.Spec.Scale.Standby, r.Status.Parked
		if r.Status.Weight == 0 || asked == 0 {
			continue
		}
		line := fmt.Sprintf("%d of %d parked", there, asked)
		if c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionReady); there < asked && c != nil {
			line += whyNotParked(c.Message)
		}
		if r.Name != app.Status.Live {
			line = r.Name + ": " + line
		}
		head.Row(cli.Plain("Standby"), cli.Plain(cli.Printable(line, 300)))
	}
}

// writeRestarted is a line for each revision in traffic whose pods were replaced
// though no other revision was wanted: when, and why.
func (v view) writeRestarted(head *cli.Grid, app *v1alpha1.App, revisions []v1alpha1.Revision) {
	for _, r := range revisions {
		with := r.Status.StartedWith
		if r.Status.Weight == 0 || with.Since == nil {
			continue
		}
		line := fmt.Sprintf("%s ago: %s", since(with.Since, v.now), with.Cause)
		if r.Name != app.Status.Live {
			line = r.Name + ": " + line
		}
		head.Row(cli.Plain("Restarted"), cli.Plain(cli.Printable(line, 300)))
	}
}

// whyNotParked is the part about the standby of what Ready says.
func whyNotParked(ready string) string {
	for _, before := range []string{"; no standby: ", "; the standby is not complete: "} {
		if _, why, ok := strings.Cut(ready, before); ok {
			return ": " + why
		}
	}
	return ""
}

// podsOf counts the pods of an app.
func podsOf(app v1alpha1.App, revisions []v1alpha1.Revision) string {
	var running, parked int32
	for _, r := range revisions {
		if r.Namespace == app.Namespace && r.Spec.App == app.Name {
			running += r.Status.Replicas
			parked += r.Status.Parked
		}
	}
	return pods(running, parked)
}

// pods are those that run and, apart, those that are parked.
func pods(running, parked int32) string {
	if parked == 0 {
		return fmt.Sprint(running)
	}
	return fmt.Sprintf("%d + %d parked", running, parked)
}

// scaling turns "<time>: <from> -> <to>: <reason>" into words.
func (v view) scaling(said string) string {
	const longest = 200
	stamp, change, ok := strings.Cut(said, ": ")
	at, err := time.Parse(time.RFC3339, stamp)
	if !ok || err != nil {
		return cli.Printable(said, longest)
	}
	pods, reason, _ := strings.Cut(change, ": ")
	return cli.Printable(fmt.Sprintf("%s ago from %s: %s", cli.Age(at, v.now), strings.Replace(pods, "->", "to", 1), reason), longest)
}

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// writeScaling is a line for each revision in traffic: the last change of its
// number of pods, and why.
func (v view) writeScaling(head *grid, app *v1alpha1.App, revisions []v1alpha1.Revision) {
	for _, r := range revisions {
		said := r.Annotations[v1alpha1.AnnotationScaling]
		if r.Status.Weight == 0 || said == "" {
			continue
		}
		line := v.scaling(said)
		if r.Name != app.Status.Live {
			line = r.Name + ": " + line
		}
		head.row(plain("Scaled"), plain(line))
	}
}

// scaling turns "<time>: <from> -> <to>: <reason>" into words.
func (v view) scaling(said string) string {
	const longest = 200
	stamp, change, ok := strings.Cut(said, ": ")
	at, err := time.Parse(time.RFC3339, stamp)
	if !ok || err != nil {
		return printable(said, longest)
	}
	pods, reason, _ := strings.Cut(change, ": ")
	return printable(fmt.Sprintf("%s ago from %s: %s", age(at, v.now), strings.Replace(pods, "->", "to", 1), reason), longest)
}

package apply

import (
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func TestWritten(t *testing.T) {
	version := func(v string) *v1alpha1.App {
		app := &v1alpha1.App{}
		app.Namespace, app.Name, app.ResourceVersion = "default", "hello", v
		return app
	}
	var w Written
	if w.Ahead(version("7")) {
		t.Error("ahead of an object that was never written")
	}
	w.Note(version("100"))
	for _, step := range []struct {
		read string
		want bool
	}{{"99", true}, {"9", true}, {"100", false}, {"99", false}} { // caught up at 100: what comes then is believed
		if got := w.Ahead(version(step.read)); got != step.want {
			t.Errorf("read %s: ahead = %v, want %v", step.read, got, step.want)
		}
	}
	w.Note(version("200"))
	if w.Ahead(version("1000")) || len(w.versions) != 0 {
		t.Error("somebody else's later write is not believed")
	}
	w.Note(version("300"))
	w.Forget(struct{ Namespace, Name string }{"default", "hello"})
	if w.Ahead(version("299")) {
		t.Error("an object that was deleted and made again is not believed")
	}
}

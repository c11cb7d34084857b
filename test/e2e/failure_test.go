//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestBrokenBuild: the old version goes on serving, and the revision says which
// step failed and what the compiler said.
func TestBrokenBuild(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("hello")
	good := code.push("First")
	code.watch()
	tm.waitLive("hello", good)

	code.edit("main.go", "fmt.Fprintln(w, greeting)", "fmt.Fprintln(w, greetings)")
	broken := code.push("Break the build")
	var revision *v1alpha1.Revision
	eventually(t, built, "the build fails", func() (err error) {
		if revision, err = tm.revision("hello", broken); err != nil {
			return err
		}
		return condition(revision.Status.Conditions, v1alpha1.ConditionBuilt, metav1.ConditionFalse, v1alpha1.ReasonBuildFailed)
	})
	if err := want("the failed step", revision.Status.Build.FailedStep, "build"); err != nil {
		t.Error(err)
	}
	lines := revision.Status.Build.LastLogLines
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "undefined: greetings") }) || len(lines) > 20 {
		t.Errorf("the compiler's error is not in the last 20 log lines: %q", lines)
	}
	said := message(revision.Status.Conditions, v1alpha1.ConditionBuilt)
	if !strings.Contains(said, broken[:8]) || !strings.Contains(said, `step "build" failed with exit code 1: ./main.go:`) || !strings.Contains(said, "undefined: greetings") {
		t.Errorf("the message lacks commit, step or error: %q", said)
	}

	eventually(t, soon, "the app says that the newest commit failed", func() error {
		app, err := tm.app("hello")
		if err != nil {
			return err
		}
		if err := want("the live revision", app.Status.Live, revisionName("hello", good)); err != nil {
			return err
		}
		said := message(app.Status.Conditions, v1alpha1.ConditionReady)
		if !strings.Contains(said, broken[:8]) {
			return fmt.Errorf("Ready says %q", said)
		}
		return nil
	})
	tm.wantAnswer(tm.url("hello"), good)

	fixed := code.revert()
	eventually(t, soon, "the revision that is live serves for the revert too", func() error {
		app, err := tm.app("hello")
		if err != nil {
			return err
		}
		if err := condition(app.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonLive); err != nil {
			return err
		}
		if said := message(app.Status.Conditions, v1alpha1.ConditionReady); !strings.Contains(said, "commit "+fixed[:8]+" serves by revision "+revisionName("hello", good)) {
			return fmt.Errorf("Ready says %q", said)
		}
		return nil
	})
	tm.wantAnswer(tm.url(revisionName("hello", fixed)), good)
}

// TestBrokenStart: an app that ends at once never gets traffic, and the
// revision shows its last words.
func TestBrokenStart(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("dockerfile")
	good := code.push("First")
	code.watch()
	tm.waitLive("dockerfile", good)

	code.write("start.sh", "#!/bin/sh\necho the moon is in the wrong house\nexit 3\n")
	broken := code.push("Break the start")
	eventually(t, built, "the start fails", func() error {
		revision, err := tm.revision("dockerfile", broken)
		if err != nil {
			return err
		}
		if err := condition(revision.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonStartFailed); err != nil {
			return err
		}
		said := message(revision.Status.Conditions, v1alpha1.ConditionReady)
		if !strings.Contains(said, "3") || !strings.Contains(said, "the moon is in the wrong house") {
			return fmt.Errorf("the message has neither exit code nor log: %q", said)
		}
		return nil
	})
	app, err := tm.app("dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if err := want("the live revision", app.Status.Live, revisionName("dockerfile", good)); err != nil {
		t.Error(err)
	}
	tm.wantAnswer(tm.url("dockerfile"), "RUN step")
}

// TestSilentStart: an app that listens where nobody can reach it, or on another
// port, is told so soon, and still when it was stopped for that, although it
// then ends well.
func TestSilentStart(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("hello")
	code.edit("main.go", `":" + cmp.Or`, `"localhost:" + cmp.Or`)
	local := code.push("Listen on localhost")
	code.watch()
	says := func(commit, text string) {
		t.Helper()
		eventually(t, built, "the revision says "+text, func() error {
			revision, err := tm.revision("hello", commit)
			if err != nil {
				return err
			}
			if said := message(revision.Status.Conditions, v1alpha1.ConditionReady); !strings.Contains(said, text) {
				return fmt.Errorf("Ready says %q", said)
			}
			return nil
		})
	}
	const unreachable = "nothing listens there on the pod's address, and a server on localhost or 127.0.0.1 cannot be reached"
	says(local, "the app runs, but ")
	says(local, unreachable)
	says(local, "within 2m0s, so it was started again; "+unreachable)

	code.edit("main.go", `"localhost:" + cmp.Or(os.Getenv("PORT"), "8080")`, `":3000"`)
	elsewhere := code.push("Listen on another port")
	says(elsewhere, "it listens on port 3000: let it listen on $PORT, or write port: 3000 in headway.yaml")
	code.edit("main.go", `":3000"`, `":" + cmp.Or(os.Getenv("PORT"), "8080")`)
	tm.waitLive("hello", code.push("Listen where the port says"))
}

// TestMissingSecret: an app that needs a Secret says which, and starts by
// itself once it is there.
func TestMissingSecret(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	code.write("headway.yaml", "name: static\nenv: {DB: secret://shop-db/url}\n")
	commit := code.push("First")
	code.watch()
	eventually(t, built, "the missing Secret is named", func() error {
		revision, err := tm.revision("static", commit)
		if err != nil {
			return err
		}
		if err := condition(revision.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonReferenceMissing); err != nil {
			return err
		}
		if said := message(revision.Status.Conditions, v1alpha1.ConditionReady); !strings.Contains(said, "shop-db") {
			return fmt.Errorf("Ready says %q", said)
		}
		return nil
	})
	// Nobody waits for a pod that cannot start.
	if err := tm.answers(tm.url(revisionName("static", commit)), http.StatusServiceUnavailable, "cannot start: ReferenceMissing"); err != nil {
		t.Error(err)
	}
	tm.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "shop-db"},
		StringData: map[string]string{"url": "postgres://shop"},
	})
	tm.waitLive("static", commit)
}

// TestInvalidSpec: a mistake in headway.yaml is told with line and column, on
// the App, on the Repository and by the CLI, and the app goes on running.
func TestInvalidSpec(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	good := code.push("First")
	code.watch()
	tm.waitLive("static", good)

	code.write("headway.yaml", "name: static\nprot: 8080\n")
	bad := code.push("Mistype a key")
	const place = "headway.yaml:2:1"
	eventually(t, soon, "App and Repository tell line and column", func() error {
		app, err := tm.app("static")
		if err != nil {
			return err
		}
		status, err := code.status()
		if err != nil {
			return err
		}
		for _, conditions := range [][]metav1.Condition{app.Status.Conditions, status.Conditions} {
			if err := condition(conditions, v1alpha1.ConditionSpecValid, metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec); err != nil {
				return err
			}
			said := message(conditions, v1alpha1.ConditionSpecValid)
			if !strings.Contains(said, place) || !strings.Contains(said, "port") {
				return fmt.Errorf("SpecValid says %q, want %s and the nearest key", said, place)
			}
		}
		return want("the repository's commit", status.Commit, bad)
	})
	tm.waitLive("static", good)
	tm.wantAnswer(tm.url("static"), "<")
	validate := exec.CommandContext(t.Context(), cli, "validate")
	validate.Dir = code.tree.Dir
	out, err := validate.CombinedOutput()
	if validate.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), place) {
		t.Errorf("headway validate: %v, %q, want exit code 1 and %s", err, out, place)
	}

	code.write("headway.yaml", "name: static\nport: 8081\n")
	fixed := code.push("Type it right")
	app := tm.waitLive("static", fixed)
	if err := condition(app.Status.Conditions, v1alpha1.ConditionSpecValid, metav1.ConditionTrue, v1alpha1.ReasonValid); err != nil {
		t.Error(err)
	}
	tm.wantRuns("static", 1) // another port needs no other image
}

// TestWrongCredentials: the repository says so and the app goes on running.
func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	commit := code.push("First")
	code.watch()
	tm.waitLive("static", commit)

	tm.setPassword("not the password")
	tm.headway("repo", "sync", repositoryName)
	eventually(t, soon, "the repository says that the credentials are wrong", func() error {
		status, err := code.status()
		if err != nil {
			return err
		}
		return condition(status.Conditions, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAuthenticationFailed)
	})
	status, err := code.status()
	if err != nil {
		t.Fatal(err)
	}
	said := message(status.Conditions, v1alpha1.ConditionReady)
	if !strings.Contains(said, secretName) || strings.Contains(said, "not the password") {
		t.Errorf("the message has to name the Secret and to keep what is in it: %q", said)
	}
	tm.waitLive("static", commit)
	tm.wantAnswer(tm.url("static"), "<")

	tm.setPassword(cluster.GitPassword)
	tm.headway("repo", "sync", repositoryName)
	eventually(t, soon, "the repository is in sync again", func() error {
		status, err := code.status()
		if err != nil {
			return err
		}
		return condition(status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
}

func (tm *team) setPassword(password string) {
	tm.Helper()
	secret := &corev1.Secret{}
	if err := tm.get(secretName, secret); err != nil {
		tm.Fatal(err)
	}
	secret.Data["password"] = []byte(password)
	if err := kube.Update(tm.Context(), secret); err != nil {
		tm.Fatalf("changing the password: %v", err)
	}
}

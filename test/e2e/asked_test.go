//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
)

// TestGatesThatAsk: a URL and a query of Prometheus decide whether a candidate
// goes on. The app itself answers both, behind a Service of its own.
func TestGatesThatAsk(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	tm.create(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "judge"},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{v1alpha1.LabelApp: "dying"},
			Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
		},
	})
	judge := fmt.Sprintf("http://judge.%s.svc.%s", tm.namespace, layout.ClusterDomain)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	rules := func(gates string) string {
		return "main: {canary: {steps: [50], every: 1s}, gates: {minRequests: 0, " + gates + "}}"
	}
	push := func(gates, die string) string {
		code.write("headway.yaml", dyingSpec(rules(gates), die)+"scale: {min: 1}\n")
		return code.push(gates)
	}
	first := push("http: "+judge+"/status/409", "")
	code.watch()
	tm.waitLive("dying", first)

	second := push("http: "+judge+"/status/409", "quietly never")
	trial := tm.waitTrial("dying", second, "for the http gate to say yes: answered 409, which is no 2xx")
	if trial.Weight != 0 || trial.Step != 0 {
		t.Errorf("the gate says no, and the trial is %+v", trial)
	}
	push("http: "+judge+"/status/204", "quietly never") // another rule for the same revision
	tm.waitLive("dying", second)

	query := func(value string) string {
		return fmt.Sprintf(`prometheus: {url: %s/value/%s, query: "sum(rate(errors{app=\"$APP\"}[1m]))", max: 0.5}`, judge, value)
	}
	third := push(query("none"), "quietly neither")
	trial = tm.waitTrial("dying", third, "no data: the query yields nothing")
	if trial.Weight != 0 {
		t.Errorf("there is no value, and it has %s", v1alpha1.Percent(trial.Weight))
	}
	push(query("0.25"), "quietly neither")
	tm.waitLive("dying", third)
	fourth := push(query("0.75"), "quietly nor")
	tm.waitQuarantined("dying", third, fourth)
	app, err := tm.app("dying")
	if err != nil {
		t.Fatal(err)
	}
	if why := app.Status.Revision(revisionName("dying", fourth)).Message; !strings.Contains(why, "the value is 0.75, above 0.5") {
		t.Errorf("it failed for another reason: %s", why)
	}
}

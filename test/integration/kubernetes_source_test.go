//go:build integration

package integration

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestKubernetesSource: what a real API server tells of an object's events comes
// to a subscription once, also what happens while the program is away.
func TestKubernetesSource(t *testing.T) {
	p := newPost(t)
	p.create(channel(fields{"metadata.name": "cluster"}))
	p.create(object("Source", "cluster", fields{"spec.channel": "cluster", "spec.kubernetes.reasons": []any{"BackOff"}}))
	p.create(object("Subscription", "cluster", fields{"spec.channel": "cluster", "spec.to.url": p.mailbox.url + "/cluster"}))
	source := &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "cluster"}}
	p.says(source, func() []metav1.Condition { return source.Status.Conditions }, metav1.ConditionTrue, v1alpha1.ReasonTaking, "")
	p.subscriptionSays("cluster", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")

	where := p.mailbox.url[len("http://"):] + "/cluster"
	first := p.happens("first", "BackOff")
	p.happens("pulled", "Pulled")
	p.mailbox.want(t, where, first)
	p.stop()
	second := p.happens("second", "BackOff")
	p.start()
	third := p.happens("third", "BackOff")
	p.mailbox.want(t, where, first, second, third)
}

// happens makes an event about a pod, and returns the id that is expected of it.
func (p *post) happens(name, reason string) string {
	p.Helper()
	e := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: name},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: p.namespace, Name: name},
		Type:           corev1.EventTypeWarning, Reason: reason, Message: "it crashes",
	}
	p.create(e)
	return string(e.UID) + "/" + e.ResourceVersion
}

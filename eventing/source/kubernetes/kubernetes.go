// Package kubernetes runs the source of events that Kubernetes keeps about the
// objects of a namespace.
//
// It promises that each version of such an object becomes an event, once, also
// after an interruption: it goes on at the resource version that it remembers,
// and where the API server has forgotten the changes since, it reads what is
// there now. It does not promise the versions in between in that case: the API
// server keeps a history of minutes, and the objects themselves for an hour. A new
// source begins with all that it has: from now on would be a promise that a crash
// before the first position is written down could not keep.
package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
	"github.com/headway-dev/headway/eventing/source/intake"
)

const (
	// pageSize is how many objects are listed at a time: at about a kilobyte each.
	pageSize = 500
	// pause before everything is read again.
	pause = time.Second
)

// New runs sources with a client that may list and watch events.
func New(client corev1client.EventsGetter) source.Run {
	return func(ctx context.Context, c source.Config, sink source.Sink, report source.Report) error {
		health := intake.NewHealth(report)
		r := &run{
			client: client.Events(c.Name.Namespace), config: c, spec: c.Spec.Kubernetes,
			intake: intake.New(sink, report, health), health: health, report: report, position: c.Position,
		}
		err := r.run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
}

// run is one run of a source.
type run struct {
	client corev1client.EventInterface // of the source's namespace
	config source.Config
	spec   *v1alpha1.KubernetesSource
	intake *intake.Intake
	health *intake.Health
	report source.Report
	// position is the resource version up to which everything is in the channel.
	position string
}

// run follows what happens, and reads what there is at first and when the history
// does not reach back far enough.
func (r *run) run(ctx context.Context) error {
	if r.position == "" {
		if err := r.catchUp(ctx); err != nil {
			return err
		}
	}
	for {
		err := r.follow(ctx)
		if !isGone(err) {
			return err
		}
		if err := intake.Wait(ctx, pause); err != nil {
			return err
		}
		if err := r.catchUp(ctx); err != nil {
			return err
		}
	}
}

// newest is the resource version that the API server is at.
func (r *run) newest(ctx context.Context) (string, error) {
	list, err := r.client.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return "", err
	}
	return list.ResourceVersion, nil
}

// catchUp sends all objects that are newer than the position, if there is one. Killed in the
// middle, it begins anew; what was sent has the same id then.
func (r *run) catchUp(ctx context.Context) error {
	after, end := r.position, ""
	for page := (metav1.ListOptions{Limit: pageSize}); ; {
		list, err := r.client.List(ctx, page)
		if err != nil {
			return fmt.Errorf("listing the events of the namespace: %w", err)
		}
		if end == "" {
			end = list.ResourceVersion
			if isBefore(end, after) { // the cluster was set back to an older state
				after = ""
			}
		}
		for i := range list.Items {
			if version := list.Items[i].ResourceVersion; version == after || isBefore(version, after) {
				continue
			}
			if err := r.send(ctx, &list.Items[i]); err != nil {
				return err
			}
		}
		if list.Continue == "" {
			r.moveTo(end)
			return nil
		}
		page.Continue = list.Continue
	}
}

// send returns nil when an object is done with: in the channel, not wanted, or
// larger than the channel takes.
func (r *run) send(ctx context.Context, object *corev1.Event) error {
	if !wanted(r.spec, object) {
		return nil
	}
	made, err := toEvent(r.config.Name, object)
	if err != nil {
		return err
	}
	_, err = r.intake.Put(ctx, []intake.Message{{Name: "about " + made.Subject, Events: []event.Event{made}}})
	return err
}

func (r *run) moveTo(position string) {
	r.position = position
	r.report.Position(position)
}

// wanted reports whether a source takes an object.
func wanted(spec *v1alpha1.KubernetesSource, object *corev1.Event) bool {
	return (len(spec.Types) == 0 || slices.Contains(spec.Types, object.Type)) &&
		(len(spec.Kinds) == 0 || slices.Contains(spec.Kinds, object.InvolvedObject.Kind)) &&
		(len(spec.Reasons) == 0 || slices.Contains(spec.Reasons, object.Reason))
}

// isBefore reports whether a resource version is known to be before another: they
// are numbers since Kubernetes 1.35.
func isBefore(version, other string) bool {
	order, err := resourceversion.CompareResourceVersion(version, other)
	return err == nil && order < 0
}

// isGone reports whether the API server has forgotten what comes after a resource
// version, or has never been there.
func isGone(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) }

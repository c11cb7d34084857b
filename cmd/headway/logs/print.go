package logs

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// lookInterval is how often a followed log looks for what has started.
const lookInterval = 500 * time.Millisecond

// printer prints the logs of pods.
type printer struct {
	pods   typedcorev1.PodInterface
	out    *lineWriter
	notes  io.Writer
	follow bool
	// tail is the number of lines to begin with; below 0: all.
	tail int64
	// every is the time between two looks for what has started.
	every time.Duration
}

func (p *printer) options(container string) *corev1.PodLogOptions {
	o := &corev1.PodLogOptions{Container: container, Follow: p.follow}
	if p.tail >= 0 {
		o.TailLines = &p.tail
	}
	return o
}

// print prints one container's log, each line with the source in front. A pod
// that is gone by now has no log; that is no error.
func (p *printer) print(ctx context.Context, source, pod string, options *corev1.PodLogOptions) error {
	body, err := p.pods.GetLogs(pod, options).Stream(ctx)
	if apierrors.IsNotFound(err) || ctx.Err() != nil {
		return nil
	} else if err != nil {
		return fmt.Errorf("reading the log of %s: %w", source, err)
	}
	defer func() { _ = body.Close() }()
	if _, err := p.out.copy(source, body); err != nil && ctx.Err() == nil {
		return fmt.Errorf("reading the log of %s: %w", source, err)
	}
	return nil
}

// pause waits a moment; false means that ctx has ended.
func (p *printer) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(p.every):
		return true
	}
}

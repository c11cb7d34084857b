package revision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/headway-dev/headway/reconciler/diagnose"
)

// maxLog bounds what is kept of a log, in bytes.
const maxLog = 256 << 10

// PodLogs reads logs from the API server.
type PodLogs struct{ Pods corev1client.PodsGetter }

// Tail returns the end of a container's log, at most 256 KiB of it. The limit
// that the API server offers would cut the end, where the cause is.
func (l PodLogs) Tail(ctx context.Context, namespace, pod, container string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	stream, err := l.Pods.Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{
		Container: container, TailLines: new(int64(diagnose.LogLines)),
	}).Stream(ctx)
	if err != nil {
		return "", fmt.Errorf("reading log of container %s in pod %s: %w", container, pod, err)
	}
	defer func() { _ = stream.Close() }() // read only: nothing can be lost
	return endOf(stream, maxLog)
}

// endOf reads to the end and returns the last bytes, at most so many.
func endOf(stream io.Reader, longest int) (string, error) {
	var kept []byte
	for chunk := make([]byte, 32<<10); ; {
		n, err := stream.Read(chunk)
		kept = append(kept, chunk[:n]...)
		kept = kept[max(0, len(kept)-longest):]
		switch {
		case errors.Is(err, io.EOF):
			return string(kept), nil
		case err != nil:
			return "", fmt.Errorf("reading to the end of a log: %w", err)
		}
	}
}

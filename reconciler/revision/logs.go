package revision

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// maxLog bounds what is read of a log, in bytes.
const maxLog = 16 << 10

// PodLogs reads logs from the API server.
type PodLogs struct{ Pods corev1client.PodsGetter }

// Tail returns the end of a container's log, at most 16 KiB of it.
func (l PodLogs) Tail(ctx context.Context, namespace, pod, container string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	stream, err := l.Pods.Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{
		Container: container, TailLines: ptr(int64(logLines)), LimitBytes: ptr(int64(maxLog)),
	}).Stream(ctx)
	if err != nil {
		return "", fmt.Errorf("reading log of container %s in pod %s: %w", container, pod, err)
	}
	defer func() { _ = stream.Close() }() // read only: nothing can be lost
	log, err := io.ReadAll(io.LimitReader(stream, maxLog))
	if err != nil {
		return "", fmt.Errorf("reading log of container %s in pod %s: %w", container, pod, err)
	}
	return string(log), nil
}

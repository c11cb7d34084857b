package eventing

import (
	"time"

	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/headway-dev/headway/eventing/source"
	"github.com/headway-dev/headway/eventing/source/cron"
	"github.com/headway-dev/headway/eventing/source/kafka"
	"github.com/headway-dev/headway/eventing/source/kubernetes"
	"github.com/headway-dev/headway/eventing/source/pubsub"
	"github.com/headway-dev/headway/eventing/source/sqs"
)

// kinds say how the sources of each kind are run. One that is a container sends by
// itself.
func (e *Eventing) kinds(api corev1client.EventsGetter) map[string]source.Run {
	return map[string]source.Run{
		source.Kubernetes: kubernetes.New(api),
		source.Cron:       cron.Run(time.Now),
		source.GitHub:     e.hooks.Run(source.GitHub),
		source.GitLab:     e.hooks.Run(source.GitLab),
		source.Gitea:      e.hooks.Run(source.Gitea),
		source.Kafka:      kafka.Run,
		source.PubSub:     pubsub.Run,
		source.SQS:        sqs.Run,
	}
}

package events

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/eventing/access"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

const (
	// audience is that of eventing/query, which this program does not link: NATS
	// comes with it.
	audience = "headway.dev/events/"
	// reader is the service account that stands for who reads a namespace: whoever may
	// make tokens of it may read its events.
	reader = "default"
	// maxStory is more than the longest answer.
	maxStory = 64 << 20
)

// ask asks the eventing program about the namespace, through the API server. The
// answer has to be closed.
func ask(ctx context.Context, c *cli.Cluster, query url.Values, path ...string) (*http.Response, error) {
	server, ok := c.Typed.CoreV1().RESTClient().(*rest.RESTClient)
	if !ok {
		return nil, fmt.Errorf("no way to the API server by %T", c.Typed)
	}
	token, err := c.Typed.CoreV1().ServiceAccounts(c.Namespace).CreateToken(ctx, reader, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience + c.Namespace}, ExpirationSeconds: new(int64(tokenSeconds))},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("making a token of service account %s/%s, with which events are read: %w", c.Namespace, reader, err)
	}
	u := server.Get().Namespace(ingressNamespace).Resource("services").Name(ingressService).SubResource("proxy").Suffix(append([]string{"-"}, path...)...).URL()
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking for events: %w", err)
	}
	request.Header.Set(access.ProxiedHeader, "Bearer "+token.Status.Token)
	response, err := server.Client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking for events: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	said, err := readAnswer(response)
	if err != nil {
		return nil, fmt.Errorf("asking for events: %w", err)
	}
	return nil, said.failure("asking for events")
}

// Story asks what became of the events with an id.
func Story(ctx context.Context, c *cli.Cluster, id string, data bool) (*explain.EventStory, error) {
	ctx, cancel := context.WithTimeout(ctx, cli.RequestTimeout)
	defer cancel()
	query := url.Values{"id": {id}}
	if data {
		query.Set("data", "1")
	}
	response, err := ask(ctx, c, query, "why", c.Namespace)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var story explain.EventStory
	if err := json.NewDecoder(io.LimitReader(response.Body, maxStory)).Decode(&story); err != nil {
		return nil, fmt.Errorf("reading the story of event %s: %w", cli.Printable(id, 100), err)
	}
	return &story, nil
}

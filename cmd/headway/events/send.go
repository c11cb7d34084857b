package events

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
)

// The Service of the ingress, which is reached through the API server: nothing
// outside the cluster has a way to it.
const (
	ingressNamespace = "headway-system"
	ingressService   = "headway-events:80"
)

// message is what the flags say.
type message struct {
	kind, source, id, subject, data, contentType string
	set                                          []string
}

func newSend(s cli.Streams, a *cli.Access) *cobra.Command {
	var m message
	var output cli.Output
	c := &cobra.Command{
		Use:   "send CHANNEL --type TYPE",
		Short: "Send an event to a channel",
		Long: `Send an event to a channel of the namespace. When the command ends without an
error, the event is on disk.

--data is the data itself, @FILE the content of a file, and - what comes in. It is
JSON where it can be read as that, else text; --content-type says otherwise.`,
		Example: `  headway events send orders --type order.created --data '{"amount": 12}'
  headway events send orders --type order.created --data @order.json --subject 4711 --set partitionkey=ada`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.Complete(channelNames),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if m.kind == "" {
				return cli.Usagef("an event needs a type, such as --type order.created")
			}
			if len(validation.IsDNS1123Label(args[0])) > 0 {
				return cli.Usagef("%q cannot be the name of a channel; headway events channels lists those there are", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := m.event(s.In, time.Now())
			if err != nil {
				return err
			}
			return a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
				if err := post(ctx, c, args[0], e); err != nil {
					return err
				}
				done := sent{Namespace: c.Namespace, Channel: args[0], ID: e.ID, Source: e.Source, Type: e.Type}
				return output.Print(s.Out, done, func(w io.Writer) { _, _ = fmt.Fprintln(w, "accepted", e.ID) })
			})(cmd, args)
		},
	}
	output.Flag(c)
	f := c.Flags()
	f.StringVarP(&m.kind, "type", "t", "", "type of the event, such as order.created (required)")
	f.StringVar(&m.source, "source", "/headway/cli", "source of the event, a URI or a path")
	f.StringVar(&m.id, "id", "", "id of the event: with one source, the same id is the same event (default: a new one)")
	f.StringVar(&m.subject, "subject", "", "subject of the event")
	f.StringVarP(&m.data, "data", "d", "", "data, @FILE, or - for what comes in")
	f.StringVar(&m.contentType, "content-type", "", "media type of the data (default: application/json where it is JSON, else text/plain)")
	f.StringArrayVar(&m.set, "set", nil, "another `attribute=value`; may be given several times")
	return c
}

// sent is what programs are told.
type sent struct {
	Namespace string `json:"namespace"`
	Channel   string `json:"channel"`
	ID        string `json:"id"`
	Source    string `json:"source"`
	Type      string `json:"type"`
}

// event is what the flags ask for, checked.
func (m *message) event(in io.Reader, now time.Time) (*event.Event, error) {
	e := &event.Event{ID: m.id, Source: m.source, Type: m.kind, Subject: m.subject, Time: now.UTC().Format(time.RFC3339Nano), DataContentType: m.contentType}
	if e.ID == "" {
		e.ID = strings.ToLower(rand.Text())
	}
	for _, pair := range m.set {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, cli.Usagef("--set takes attribute=value, not %q", pair)
		}
		if flag, ok := flagOf[name]; ok {
			return nil, cli.Usagef("--set %s: %s is for that", pair, flag)
		}
		e.Set(name, value)
	}
	var err error
	if e.Data, err = readData(m.data, in); err != nil {
		return nil, fmt.Errorf("reading the data: %w", err)
	}
	if e.DataContentType == "" {
		e.DataContentType = mediaType(e.Data)
	}
	if err := e.Validate(); err != nil {
		return nil, cli.Usagef("this is no event: %v", err)
	}
	return e, nil
}

// flagOf are the attributes that have a flag of their own.
var flagOf = map[string]string{"id": "--id", "source": "--source", "type": "--type", "subject": "--subject", "datacontenttype": "--content-type"}

// readData takes the flag --data for what it stands for. It reads no more than
// the largest event that any channel can take.
func readData(data string, in io.Reader) ([]byte, error) {
	file, named := strings.CutPrefix(data, "@")
	if !named && data != "-" {
		return []byte(data), nil
	}
	if named {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	read, err := io.ReadAll(io.LimitReader(in, v1alpha1.MostMaxEvent+1))
	if err == nil && len(read) > v1alpha1.MostMaxEvent {
		err = fmt.Errorf("it has more than %d bytes, which no channel takes; keep it elsewhere and send where it is", v1alpha1.MostMaxEvent)
	}
	return read, err
}

// mediaType is that of data for which none is given.
func mediaType(data []byte) string {
	switch {
	case len(data) == 0:
		return ""
	case json.Valid(data):
		return "application/json"
	case utf8.Valid(data):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// post sends an event through the API server. Where the channel asks who sends, it
// is sent again with a token.
func post(ctx context.Context, c *cli.Cluster, channel string, e *event.Event) error {
	ctx, cancel := context.WithTimeout(ctx, cli.RequestTimeout)
	defer cancel()
	answer, err := postWith(ctx, c, channel, "", e)
	if err == nil && answer.code == http.StatusUnauthorized && answer.problem {
		var token string
		if token, err = makeToken(ctx, c, channel); err != nil {
			return err
		}
		answer, err = postWith(ctx, c, channel, token, e)
	}
	switch {
	case err != nil || answer.code == http.StatusAccepted:
		return err
	case answer.problem && answer.code == http.StatusNotFound:
		return fmt.Errorf("there is no channel %s in namespace %s; headway events channels lists those there are", channel, c.Namespace)
	case answer.problem:
		err = answer.failure("the event was not taken")
	default:
		err = answer.failure("sending to channel " + channel)
	}
	if answer.code >= http.StatusInternalServerError {
		err = fmt.Errorf("%w; %s", err, again(e))
	}
	return err
}

// postWith sends an event with a token, if there is one, and returns the answer.
func postWith(ctx context.Context, c *cli.Cluster, channel, token string, e *event.Event) (answer, error) {
	server, ok := c.Typed.CoreV1().RESTClient().(*rest.RESTClient)
	if !ok {
		return answer{}, fmt.Errorf("no way to the API server by %T", c.Typed)
	}
	url := server.Post().Namespace(ingressNamespace).Resource("services").Name(ingressService).SubResource("proxy").Suffix(c.Namespace, channel).URL()
	header := http.Header{}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url.String(), bytes.NewReader(e.WriteHTTP(header)))
	if err != nil {
		return answer{}, fmt.Errorf("sending to channel %s: %w", channel, err)
	}
	request.Header = header
	if token != "" {
		header.Set(access.ProxiedHeader, "Bearer "+token)
	}
	response, err := server.Client.Do(request) // not by client-go: it reads no answers but Kubernetes' own
	if err != nil {
		return answer{}, fmt.Errorf("sending to channel %s, %s: %w", channel, again(e), err)
	}
	defer func() { _ = response.Body.Close() }()
	said, err := readAnswer(response)
	if err != nil && said.code != http.StatusAccepted {
		return answer{}, fmt.Errorf("reading the answer to an event for channel %s, %s: %w", channel, again(e), err)
	}
	return said, nil
}

// again says what can be done about an event that may be on disk or not.
func again(e *event.Event) string {
	return fmt.Sprintf("with --id %s --source %s it can be sent again and is kept once", e.ID, e.Source)
}

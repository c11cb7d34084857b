package events

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/headway-dev/headway/cmd/headway/cli"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// answer is what the ingress says, or the API server in its place.
type answer struct {
	code   int
	status string
	// problem is true if it is the ingress that says what is wrong.
	problem bool
	body    []byte
}

// readAnswer reads an answer, whose body the caller closes.
func readAnswer(response *http.Response) (answer, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	return answer{response.StatusCode, response.Status, response.Header.Get("Content-Type") == "application/problem+json", body}, err
}

// failure is the error for an answer that is not the one that doing hopes for: the
// ingress says itself what is wrong; an error of the API server remains what it is,
// unless it means that there is no ingress.
func (a answer) failure(doing string) error {
	if !a.problem {
		return a.ofAPIServer(doing)
	}
	var said struct{ Detail string }
	if err := json.Unmarshal(a.body, &said); err != nil || said.Detail == "" {
		return fmt.Errorf("%s: %s", doing, a.status)
	}
	return fmt.Errorf("%s: %s", doing, cli.Printable(strings.TrimSuffix(said.Detail, "."), 1000))
}

func (a answer) ofAPIServer(doing string) error {
	var said metav1.Status
	if json.Unmarshal(a.body, &said) != nil || said.Kind != "Status" {
		return fmt.Errorf("%s: the API server answers %s", doing, a.status)
	}
	err := error(&apierrors.StatusError{ErrStatus: said})
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("this cluster takes no events: there is no Service headway-events in %s. Install this version of Headway, docs/install.md", ingressNamespace)
	case apierrors.IsServiceUnavailable(err):
		return fmt.Errorf("the eventing program does not run, or starts: kubectl get pods --namespace %s shows it: %w", ingressNamespace, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// patience is how long an answer may take.
	patience = 10 * time.Second
	// longestAnswer that is read, in bytes.
	longestAnswer = 1 << 20
	// redirects that are followed, on the same host.
	redirects = 3
)

// asker asks over HTTP.
type asker struct{ client *http.Client }

// newAsker makes one that connects to allowed addresses only.
func newAsker(allowed func(netip.Addr) bool) asker {
	dialer := &net.Dialer{Timeout: patience, Control: outward.Control(allowed, "a gate")}
	return asker{&http.Client{
		Timeout: patience,
		// No proxy: that would be asked for any address.
		Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if request.URL.Host != via[0].URL.Host || request.URL.Scheme != via[0].URL.Scheme || request.URL.User != nil || len(via) > redirects {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}}
}

// get asks a URL.
func (a asker) get(ctx context.Context, address string) (status int, body []byte, err error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return 0, nil, errors.New("that is no URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return 0, nil, errors.New("a URL begins with http:// or https://")
	case u.User != nil:
		return 0, nil, errors.New("a URL must not hold a password")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, nil, errors.New("that is no URL")
	}
	request.Header.Set("User-Agent", "headway")
	response, err := a.client.Do(request)
	if err != nil {
		if wrapped := new(url.Error); errors.As(err, &wrapped) { // which has the whole URL
			err = wrapped.Err
		}
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }() // read only: nothing can be lost
	if body, err = io.ReadAll(io.LimitReader(response.Body, longestAnswer)); err != nil {
		return 0, nil, fmt.Errorf("reading its answer: %w", err)
	}
	return response.StatusCode, body, nil
}

// http asks a URL whether the candidate may go on.
func (a asker) http(ctx context.Context, s Subject) answer {
	status, _, err := a.get(ctx, s.Gates.HTTP)
	switch {
	case err != nil:
		return answer{v1alpha1.VerdictWaiting, "no answer: " + err.Error()}
	case status >= 200 && status < 300:
		return answer{v1alpha1.VerdictPassing, fmt.Sprintf("answered %d", status)}
	}
	return answer{v1alpha1.VerdictDoubtful, fmt.Sprintf("answered %d, which is no 2xx", status)}
}

// prometheus asks for one number.
func (a asker) prometheus(ctx context.Context, s Subject) answer {
	waiting := func(format string, args ...any) answer {
		return answer{v1alpha1.VerdictWaiting, fmt.Sprintf(format, args...)}
	}
	gate := s.Gates.Prometheus
	most, err := strconv.ParseFloat(gate.Max, 64)
	if err != nil {
		return waiting("max: %q is no number", gate.Max)
	}
	query := strings.NewReplacer("$APP", s.App.Name, "$REVISION", s.Revision, "$NAMESPACE", s.App.Namespace).Replace(gate.Query)
	status, body, err := a.get(ctx, strings.TrimSuffix(gate.URL, "/")+"/api/v1/query?"+url.Values{"query": {query}}.Encode())
	switch {
	case err != nil:
		return waiting("no answer: %v", err)
	case status == http.StatusBadRequest:
		return waiting("the query is wrong: answered 400")
	case status != http.StatusOK:
		return waiting("answered %d, not 200", status)
	}
	value, err := valueOf(body)
	switch {
	case err != nil:
		return waiting("%v", err)
	case value != value: // NaN, as of a rate without requests
		return waiting("no data: the value is NaN")
	case value > most:
		return answer{v1alpha1.VerdictFailed, fmt.Sprintf("the value is %g, above %s", value, gate.Max)}
	}
	return answer{v1alpha1.VerdictPassing, fmt.Sprintf("the value is %g, at most %s", value, gate.Max)}
}

// valueOf reads the one number of an answer of Prometheus' query API.
func valueOf(body []byte) (float64, error) {
	var got struct {
		Data struct {
			Type   string          `json:"resultType"`
			Result json.RawMessage `json:"result"`
		} `json:"data"`
	}
	errNotPrometheus := errors.New("the answer is not that of a Prometheus query")
	if err := json.Unmarshal(body, &got); err != nil {
		return 0, errNotPrometheus
	}
	var sample [2]any // time, value
	switch got.Data.Type {
	case "scalar":
		if err := json.Unmarshal(got.Data.Result, &sample); err != nil {
			return 0, errNotPrometheus
		}
	case "vector":
		var series []struct{ Value [2]any }
		if err := json.Unmarshal(got.Data.Result, &series); err != nil {
			return 0, errNotPrometheus
		}
		if len(series) == 0 {
			return 0, errors.New("no data: the query yields nothing")
		}
		if len(series) > 1 {
			return 0, fmt.Errorf("the query yields %d numbers; it must yield one, as by sum()", len(series))
		}
		sample = series[0].Value
	default:
		return 0, fmt.Errorf("the query yields a %.20q, not one number", got.Data.Type)
	}
	text, ok := sample[1].(string)
	if !ok {
		return 0, errNotPrometheus
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errNotPrometheus
	}
	return value, nil
}

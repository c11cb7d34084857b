package sqs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

// refusals are the codes with which AWS refuses credentials, whole or for what
// was asked: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
var refusals = []string{
	"AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
	"InvalidClientTokenId", "InvalidSecurity", "InvalidSignatureException", "MissingAuthenticationToken",
	"MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired", "SignatureDoesNotMatch", "UnrecognizedClientException",
}

// explain says what went wrong with a call, and what to look at.
func (q *queue) explain(action string, err error) error {
	if err == nil {
		return nil
	}
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return fmt.Errorf("%s: %w", action, shorter(err))
	}
	said := answer.ErrorCode()
	if text := answer.ErrorMessage(); text != "" {
		said += ": " + text
	}
	switch code := answer.ErrorCode(); {
	case slices.Contains(refusals, code):
		return fmt.Errorf("%s: AWS refuses the credentials in the Secret %s (%s)", action, q.secret, said)
	case code == "QueueDoesNotExist" || strings.HasSuffix(code, "NonExistentQueue"):
		return fmt.Errorf("%s: the queue %s does not exist, or not for these credentials", action, q.url)
	}
	return fmt.Errorf("%s: %s", action, said)
}

// shorter is the error below those of the SDK, which tell of its operations and
// change with each request.
func shorter(err error) error {
	if operation, ok := errors.AsType[*smithy.OperationError](err); ok {
		err = operation.Err
	}
	var sending interface{ ConnectionError() bool }
	if errors.As(err, &sending) {
		if inner := errors.Unwrap(sending.(error)); inner != nil {
			err = inner
		}
	}
	return err
}

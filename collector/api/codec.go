package api

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// maxNesting bounds how deeply the messages of a call may nest; the contract's do
// so less than ten deep.
const maxNesting = 32

// codec is protobuf as the contract has it: what it does not know is dropped as it
// is read, so that nothing is ever stored that the schema does not name.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(grpcproto.Name)} }

// Unmarshal reads a message, or leaves in its unknown fields, which nothing else
// fills, what is wrong with it. An error from here would reach the sender as the
// server's failure, after which agents try again for ever.
func (codec) Unmarshal(data mem.BufferSlice, into any) error {
	message, ok := into.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no message", into)
	}
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	err := proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxNesting}.Unmarshal(buffer.ReadOnlyData(), message)
	if err != nil {
		proto.Reset(message)
		message.ProtoReflect().SetUnknown(protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), err.Error()))
	}
	return nil
}

// readable is an interceptor that answers for messages that could not be read.
func readable(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if message, ok := request.(proto.Message); ok {
		if err := whole(message); err != nil {
			return nil, err
		}
	}
	return handle(ctx, request)
}

// whole says of a message that could not be read what was wrong with it.
func whole(message proto.Message) error {
	problem := message.ProtoReflect().GetUnknown()
	if len(problem) == 0 {
		return nil
	}
	_, _, tag := protowire.ConsumeTag(problem)
	text, _ := protowire.ConsumeString(problem[tag:])
	return status.Errorf(codes.InvalidArgument, "the message cannot be read: %s", text)
}

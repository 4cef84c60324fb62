"""The provider that works on this machine: small networks on onnxruntime, in child processes.

Two sides, and one line of JSON after the other between them (:mod:`.recipe`):

- in the gateway: :mod:`.provider` keeps the contract, :mod:`.services` says what is offered,
  :mod:`bridge_gateway.workers` holds warm child processes;
- in the child: :mod:`.worker` is its main, :mod:`.work` makes the frames of a job,
  :mod:`.makers` does to a frame what each service promises.

The gateway's process never imports the child's side: a network that takes the memory or crashes
takes a child with it, which is started again, and the gateway stays.
"""

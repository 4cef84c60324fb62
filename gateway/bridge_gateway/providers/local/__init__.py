"""The provider that works on this machine: small networks on onnxruntime, in child processes.

Gateway and child exchange lines of JSON (:mod:`.local_task`):

- in the gateway, :mod:`.provider` implements the contract, :mod:`.services` lists the services,
  and :mod:`bridge_gateway.workers` keeps child processes warm;
- in the child, :mod:`.worker` is the main module, :mod:`.task_runner` runs a job,
  :mod:`.processors` applies a service to a frame, and :mod:`.writers` writes the results.

The gateway's process never imports the child's modules: a network that crashes or runs out of
memory ends the child, which is started again, and not the gateway.
"""

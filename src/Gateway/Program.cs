using Gateway;
using Gateway.Commands;

return await CommandLine.RunAsync(args, Server.ServeAsync);

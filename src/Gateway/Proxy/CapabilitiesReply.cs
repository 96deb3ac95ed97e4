using System.Text.Json.Nodes;

namespace Gateway.Proxy;

/// <summary>Takes out of the homeserver's capabilities what the gateway does not let through, so that clients hide the buttons.</summary>
internal static class CapabilitiesReply
{
    private static readonly string[] Shut = ["m.change_password", "m.get_login_token", "m.3pid_changes"];

    /// <summary>The changed reply; null where it is not what Matrix says.</summary>
    public static byte[]? Without(ReadOnlySpan<byte> json)
    {
        try
        {
            if (JsonNode.Parse(json) is not JsonObject reply || reply["capabilities"] is not JsonObject capabilities)
            {
                return null;
            }

            foreach (var name in Shut)
            {
                capabilities[name] = new JsonObject { ["enabled"] = false };
            }

            return System.Text.Encoding.UTF8.GetBytes(reply.ToJsonString());
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }
}

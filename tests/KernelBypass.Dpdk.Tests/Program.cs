namespace KernelBypass.Dpdk.Tests;

/// <summary>
/// The child side of tests: <c>dotnet KernelBypass.Dpdk.Tests.dll SCENARIO [arguments]</c>; exit code 0 is success.
/// </summary>
internal static class Program
{
    internal static int Main(string[] arguments)
    {
        if (arguments.Length == 0)
        {
            Console.Error.WriteLine("Run the tests with dotnet test. Scenarios: " + string.Join(' ', Scenarios.All.Keys));
            return 2;
        }

        try
        {
            Scenarios.All[arguments[0]](arguments[1..]);
            return 0;
        }
        catch (Exception e)
        {
            Console.WriteLine($"{e.GetType().Name}: {e.Message}");
            return 1;
        }
    }
}

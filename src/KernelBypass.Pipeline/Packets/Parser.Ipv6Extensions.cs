using System.Buffers.Binary;
using System.Numerics;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Pipeline.Packets;

public static unsafe partial class Parser
{
    private const byte HopByHop = 0;
    private const byte Routing = 43;
    private const byte FragmentHeader = 44;
    private const byte Esp = 50;
    private const byte Authentication = 51;
    private const byte NoNextHeader = 59;
    private const byte DestinationOptions = 60;

    // Places in the order that RFC 2460 4.1 prefers; destination options have two, before routing and last.
    private const int HopByHopRank = 1;
    private const int DestinationRank = 2;
    private const int RoutingRank = 3;
    private const int FragmentRank = 4;
    private const int AuthenticationRank = 5;
    private const int EspRank = 6;
    private const int LastDestinationRank = 7;

    /// <summary>The bits of ipv6_exthdr (OpenFlow 1.3.5 7.2.3.8, OFPIEH_*).</summary>
    [Flags]
    public enum ExtensionBits
    {
        None = 0,
        NoNext = 1,
        Esp = 2,
        Auth = 4,
        Destination = 8,
        Fragment = 16,
        Router = 32,
        Hop = 64,
        UnexpectedRepeat = 128,
        UnexpectedSequence = 256,
    }

    private static bool IsExtension(byte next) =>
        next is HopByHop or Routing or FragmentHeader or Authentication or DestinationOptions;

    /// <summary>A bounded walk over the extension headers; stops at the upper layer, at ESP and after a later fragment's header.</summary>
    private struct ExtensionWalk
    {
        /// <summary>Offset of what comes next from the start of the IPv6 header.</summary>
        internal int Offset;

        /// <summary>Type of what comes next.</summary>
        internal byte Next;

        /// <summary>ip_frag of the key.</summary>
        internal byte Fragment;
        internal ExtensionBits Bits;
        private int _rank;
        private int _destinations;

        internal ParserVerdict Run(byte* ip, int readable)
        {
            for (var count = 0; IsExtension(Next) && (Fragment & Key.FragLater) == 0; count++)
            {
                if (count == MaxExtensions) return ParserVerdict.Ipv6TooManyExtensions;
                if (readable - Offset < 8) return ParserVerdict.Ipv6TruncatedExtension;
                var header = ip + Offset;
                var bytes = (header[1] + 1) * 8;
                switch (Next)
                {
                    case HopByHop:
                        if (count > 0) Bits |= ExtensionBits.UnexpectedSequence;
                        Mark(ExtensionBits.Hop, HopByHopRank);
                        break;
                    case Routing:
                        Mark(ExtensionBits.Router, RoutingRank);
                        break;
                    case FragmentHeader:
                        bytes = 8;
                        Mark(ExtensionBits.Fragment, FragmentRank);
                        Fragment |= FragmentOf(BinaryPrimitives.ReverseEndianness(*(ushort*)(header + 2)));
                        break;
                    case Authentication:
                        bytes = (header[1] + 2) * 4;
                        Mark(ExtensionBits.Auth, AuthenticationRank);
                        break;
                    default:
                        // Two are expected: one before routing, one last.
                        if (++_destinations <= 2) Bits &= ~ExtensionBits.Destination;
                        Mark(ExtensionBits.Destination, _rank < DestinationRank ? DestinationRank : LastDestinationRank);
                        break;
                }

                if (bytes > readable - Offset) return ParserVerdict.Ipv6TruncatedExtension;
                Next = header[0];
                Offset += bytes;
            }

            return ParserVerdict.Ok;
        }

        internal void Mark(ExtensionBits bit, int rank)
        {
            if ((Bits & bit) != 0) Bits |= ExtensionBits.UnexpectedRepeat;
            if (rank < _rank) Bits |= ExtensionBits.UnexpectedSequence;
            Bits |= bit;
            _rank = Math.Max(_rank, rank);
        }

        /// <summary>Offset in the upper 13 bits, M in the lowest. Neither: an atomic fragment (RFC 6946), handled as whole.</summary>
        private static byte FragmentOf(int field) =>
            (byte)((field & 0xfff9) == 0 ? 0 : (field & 0xfff8) == 0 ? Key.FragAny : Key.FragAny | Key.FragLater);
    }
}
